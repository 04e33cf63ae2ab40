import { expect } from "chai";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blocksOf, examplesOf, runExample, runShell } from "../support/examples.ts";
import { WeatherRig } from "../support/weatherRig.ts";

describe("the examples of the pages, each a program of its own", () => {
  let rig: WeatherRig;
  before(async () => {
    rig = await WeatherRig.start();
  });
  after(() => rig.stop());
  // A program takes its time from the newest block, which a slow test has left behind.
  beforeEach(() => rig.chain.pass(0));

  /** The pages' places are of a public network; these are the rig's, on this host. */
  function here(code: string): string {
    return code
      .replaceAll("deployments/sepolia.json", rig.deploymentFile)
      .replaceAll(/https:\/\/rpc2?\.example/g, rig.rpcUrl)
      .replaceAll("https://resolver.example", rig.resolverUrl)
      .replaceAll("/ip4/203.0.113.7/tcp/4170", rig.bootstrap)
      .replaceAll("createClient({", "createClient({ allowLoopback: true,")
      .replaceAll("listen(service, {", "listen(service, { allowLoopback: true,")
      .replaceAll('"echo.key"', JSON.stringify(rig.echoKeyFile))
      .replaceAll("203.0.113.9", "127.0.0.1")
      .replaceAll("port: 4180", "port: 0")
      .replaceAll("coral: {", "coral: { allowPrivate: true,");
  }

  for (const page of ["docs/client.md", "docs/resolver.md"]) {
    for (const [index, { heading, code, prints }] of examplesOf(page).entries()) {
      it(`${page}, ${heading} (${index + 1}) prints ${prints.join(", ")}`, async () => {
        expect(prints).not.to.have.length(0);
        const { code: exit, stdout, stderr } = await runExample(here(code));
        expect(stderr).to.equal("");
        expect(stdout.trimEnd().split("\n")).to.deep.equal(prints);
        expect(exit).to.equal(0);
      });
    }
  }

  it("README.md: a user finds a service, calls it, and looks at the receipt", async () => {
    const blocks = blocksOf("README.md", "sh").filter(({ heading }) => heading.startsWith("User:"));
    // The last one pays a service that has a price; `npm start` has one.
    const [use = "", verify = "", pay = ""] = blocks.map(({ code }) => code);
    expect(verify).to.contain("receipt verify");
    expect(pay).to.contain("cashier deposit");
    const { code, stdout, stderr } = await runShell(use + verify, {
      BLOCKCLOUD_DEPLOYMENT: rig.deploymentFile,
      BLOCKCLOUD_RPC: rig.rpcUrl,
      RESOLVER: rig.resolverUrl,
    });
    expect(code, stderr).to.equal(0);
    expect(stdout)
      .to.match(/^ *checked +\S/m)
      .and.not.match(/^ *checked +nothing$/m);
    expect(stdout).to.contain("200 sunny");
    expect(stdout)
      .to.contain(`serviceId: '${rootServiceId(1n)}'`)
      .and.to.contain("signature: '0x");
    expect(stdout).to.contain("the receipt proves the response");
  });
});
