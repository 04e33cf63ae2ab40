import { expect } from "chai";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

  it("knows its version", async () => {
    const file = new URL("../../package.json", import.meta.url);
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
    for (const flag of ["--version", "-V"]) {
      const { code, stdout, stderr } = await blockcloud([flag]);
      expect({ code, stdout, stderr }).to.deep.equal({
        code: 0,
        stdout: `${version}\n`,
        stderr: "",
      });
    }
  });

  describe("starts a worker", () => {
    /** Writes process ID and limits of memory to standard error, when Node starts. */
    const tell = `data:text/javascript,${encodeURIComponent(
      `const { pid, execArgv, env } = process;
      const [, young] = /semi-space-size=(\\d+)/.exec([env.NODE_OPTIONS, ...execArgv]) ?? [];
      const limits = { young, arenas: env.MALLOC_ARENA_MAX };
      process.stderr.write(JSON.stringify({ pid, ...limits }) + "\\n");`,
    )}`;
    const started = async (args: readonly string[], env: Record<string, string> = {}) => {
      const nodeFlags = ["--import", tell];
      const { code, stdout, stderr } = await blockcloud(args, { nodeFlags, env });
      expect(code).to.equal(0);
      expect(stdout).to.match(/^Usage: /);
      const lines = stderr.trim().split("\n");
      return lines.map((line) => JSON.parse(line) as { pid: number });
    };

    it("in the same process, which holds little memory", async function () {
      if (process.execve === undefined) this.skip();
      const [first, ...others] = await started(["keeper", "run", "--help"]);
      expect(first).to.have.all.keys("pid");
      expect(others).to.deep.equal([{ pid: first?.pid, young: "4", arenas: "2" }]);
    });

    it("with the operator's own limits, where there are some", async () => {
      const env = { NODE_OPTIONS: "--max-semi-space-size=16", MALLOC_ARENA_MAX: "8" };
      const last = (await started(["keeper", "run", "--help"], env)).at(-1);
      expect(last).to.include({ young: "16", arenas: "8" });
    });

    it("and no other command in this way", async () => {
      expect(await started(["keeper", "--help"])).to.have.lengthOf(1);
    });
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
    expect(stderr).to.match(/^CONFIG_INVALID: 1 problem .*\n +--[a-z-]+: missing\. /);
    expect(stderr, "one code").not.to.contain("KEY_MISSING");
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
