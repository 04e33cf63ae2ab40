import { expect } from "chai";
import { examplesOf, runExample } from "../support/examples.ts";
import { WeatherRig } from "../support/weatherRig.ts";

describe("the examples of docs/client.md, each a program of its own", function () {
  this.timeout(120_000);
  let rig: WeatherRig;
  before(async () => {
    rig = await WeatherRig.start();
  });
  after(() => rig.stop());

  /** The page's places are of a public network; these are the rig's, on this host. */
  function here(code: string): string {
    return code
      .replaceAll("deployments/sepolia.json", rig.deploymentFile)
      .replaceAll(/https:\/\/rpc2?\.example/g, rig.rpcUrl)
      .replaceAll("https://resolver.example", rig.resolverUrl)
      .replaceAll("/ip4/203.0.113.7/tcp/4170", rig.bootstrap)
      .replaceAll("createClient({", "createClient({ allowLoopback: true,");
  }

  for (const [index, { heading, code, prints }] of examplesOf("docs/client.md").entries()) {
    it(`${heading} (${index + 1}) prints ${prints.join(", ")}`, async () => {
      expect(prints).not.to.have.length(0);
      const { code: exit, stdout, stderr } = await runExample(here(code));
      expect(stderr).to.equal("");
      expect(stdout.trimEnd().split("\n")).to.deep.equal(prints);
      expect(exit).to.equal(0);
    });
  }
});
