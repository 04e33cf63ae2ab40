import { expect } from "chai";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DEPLOYMENT } from "../support/fakeChain.ts";

const bin = path.join(import.meta.dirname, "../../bin/blockcloud");

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command to its end, in an environment that holds nothing. */
async function blockcloud(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [bin, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const outcome: Outcome = { code: null, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (outcome.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (outcome.stderr += text));
  await new Promise((resolve) => child.once("close", resolve));
  return { ...outcome, code: child.exitCode };
}

describe("blockcloud", () => {
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

  for (const command of ["provider run", "auditor run", "demo"]) {
    it(`${command} --help shows how it is used, by an example`, async () => {
      const { code, stdout, stderr } = await blockcloud([...command.split(" "), "--help"]);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
      expect(stdout).to.contain(`Usage: blockcloud ${command}`);
      expect(stdout).to.match(/Examples?:\n {2}(blockcloud|npm start)/);
    });
  }

  it("--help names every command", async () => {
    const { code, stdout } = await blockcloud(["--help"]);
    expect(code).to.equal(0);
    for (const name of ["provider", "auditor", "demo"]) {
      expect(stdout).to.match(new RegExp(`^ {2}${name}\\b`, "m"));
    }
  });

  for (const [what, args, says] of [
    ["an unknown option", ["demo", "--epoch", "3"], "unknown option '--epoch'"],
    ["an unknown command", ["audit"], "unknown command 'audit'"],
    ["a value that is none", ["demo", "--epochs", "0"], "Give a whole number from 1"],
    ["a missing option", ["provider", "run"], "required option '--deployment <file>'"],
    ["an unknown log level", ["auditor", "run", "--log-level", "loud"], "Allowed choices"],
  ] as const) {
    it(`refuses ${what}, and says where help is`, async () => {
      const { code, stdout, stderr } = await blockcloud(args);
      expect(code).to.equal(1);
      expect(stdout).to.equal("");
      expect(stderr).to.contain(says).and.to.contain("--help");
    });
  }

  const run = () => [
    ...["auditor", "run", "--auditor", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"],
    ...["--state", path.join(folder, "state"), "--deployment", deployment],
    ...["--rpc", "http://127.0.0.1:1"],
  ];

  it("prints a known error as its code and what to do, without a stack", async () => {
    const { code, stderr } = await blockcloud(run());
    expect(code).to.equal(1);
    expect(stderr).to.match(/^KEY_MISSING: There is no key in \$BLOCKCLOUD_OPERATOR_KEY\. .+\n$/);
  });

  it("takes the environment for options that are not given", async () => {
    const { stderr } = await blockcloud(["auditor", "run"], {
      BLOCKCLOUD_DEPLOYMENT: path.join(folder, "missing.json"),
      BLOCKCLOUD_RPC: "http://127.0.0.1:1",
      BLOCKCLOUD_AUDITOR: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    });
    expect(stderr).to.match(/^DEPLOYMENT_INVALID: .*missing\.json/);
  });

  it("ends, without a stack, when a worker cannot reach the chain", async () => {
    const key = `0x${"0b".repeat(32)}`;
    const { code, stdout, stderr } = await blockcloud(run(), { BLOCKCLOUD_OPERATOR_KEY: key });
    expect(code).to.equal(1);
    expect(stdout + stderr).not.to.contain("0b0b0b");
    expect(stderr).to.match(/^CHAIN_UNREACHABLE: .+\n$/);
  });
});
