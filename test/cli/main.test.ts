import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { blockcloud } from "../support/bin.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";

describe("bin/blockcloud", () => {
  let folder: string;
  let deployment: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "cli-"));
    deployment = path.join(folder, "devnet.json");
    writeFileSync(deployment, JSON.stringify(DEPLOYMENT));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("shows help, and ends with 0", async () => {
    const { code, stdout, stderr } = await blockcloud(["service", "register", "--help"]);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout).to.contain("Usage: blockcloud service register");
  });

  it("ends with 2 for what it does not know", async () => {
    const { code, stdout, stderr } = await blockcloud(["audit"]);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    expect(stderr).to.contain("unknown command 'audit'").and.to.contain("--help");
    expect(stderr).not.to.contain("at Command");
  });

  const run = () => [
    ...["auditor", "run", "--auditor", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"],
    ...["--state", path.join(folder, "state"), "--deployment", deployment],
    ...["--rpc", "http://127.0.0.1:1"],
  ];

  it("ends with 2 for a key that is missing", async () => {
    const { code, stderr } = await blockcloud(run());
    expect(code).to.equal(2);
    expect(stderr).to.match(/^CONFIG_INVALID: 1 problem .*\n.*KEY_MISSING/);
  });

  it("ends with 4, without a stack and without the key, when the chain cannot be reached", async () => {
    const key = `0x${"0b".repeat(32)}`;
    const { code, stdout, stderr } = await blockcloud(run(), {
      env: { BLOCKCLOUD_OPERATOR_KEY: key },
    });
    expect(code).to.equal(4);
    expect(stdout + stderr).not.to.contain("0b0b0b");
    expect(stderr).to.match(/^CHAIN_UNREACHABLE: .+\n$/);
  });
});
