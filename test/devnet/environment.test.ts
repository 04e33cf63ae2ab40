import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { writeEnvironment } from "../../devnet/environment.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blocksOf, runShell } from "../support/examples.ts";

describe("the file env of a run", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "blockcloud-it's here "));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("gives a second terminal, as README opens it, what all commands of README need", async () => {
    const bootstrap = ["/ip4/127.0.0.1/tcp/1/p2p/a", "/ip4/127.0.0.1/tcp/2/p2p/b"];
    const stage = { folder, bootstrap, devnet: { rpcUrl: "http://127.0.0.1:8545" } };
    const file = await writeEnvironment(stage, "http://127.0.0.1:8053");
    const [first] = blocksOf("README.md", "sh").filter(({ code }) => code.includes("/env"));
    const open = first!.code.replaceAll("/tmp/blockcloud-XXXXXX/env", '"$FILE"');
    const names = "RUN BLOCKCLOUD_DEPLOYMENT BLOCKCLOUD_RPC RESOLVER BLOCKCLOUD_CORAL_BOOTSTRAP ID";
    const { code, stdout, stderr } = await runShell(`${open}\nprintenv ${names}`, { FILE: file });
    expect(code, stderr).to.equal(0);
    expect(stdout.trimEnd().split("\n")).to.deep.equal([
      folder,
      path.join(folder, "devnet.json"),
      ...["http://127.0.0.1:8545", "http://127.0.0.1:8053", bootstrap.join(",")],
      rootServiceId(1n),
    ]);
  });
});
