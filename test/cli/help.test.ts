import { expect } from "chai";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { processIo } from "../../src/cli/framework/io.ts";
import { loadProgram } from "../../src/cli/program.ts";
import { createBackup } from "../../src/node/backup.ts";
import { runCli } from "../support/cli.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";

const { program } = await loadProgram(processIo());

/** Commands that do something themselves, with their whole name. */
function leaves(parent: Command = program, prefix = ""): { name: string; command: Command }[] {
  return parent.commands.flatMap((command) => {
    const name = `${prefix} ${command.name()}`.trim();
    return command.commands.length === 0 ? [{ name, command }] : leaves(command, name);
  });
}

describe("help", () => {
  let cwd: string;
  let rpc: Server;
  let env: Record<string, string>;

  before(async () => {
    cwd = mkdtempSync(path.join(tmpdir(), "help-"));
    for (const name of [
      "wallet",
      "service",
      "owner",
      "operator",
      "keeper",
      "faucet",
      "payer",
      "new",
      "device",
    ]) {
      writeFileSync(path.join(cwd, `${name}.key`), `0x${"5e".repeat(32)}`, { mode: 0o600 });
    }
    writeFileSync(path.join(cwd, "password"), "correct horse battery", { mode: 0o600 });
    writeFileSync(path.join(cwd, "delegation"), `0x${"11".repeat(81)}\n`);
    writeFileSync(path.join(cwd, "probe.json"), '{"v":1,"requests":[{"path":"/"}]}');
    const services = { upstream: "http://127.0.0.1:3000", listen: "127.0.0.1:0" };
    const listed = [{ service: 7, serviceKeyFile: "service.key", ...services }];
    writeFileSync(path.join(cwd, "services.json"), JSON.stringify({ services: listed }));
    writeFileSync(path.join(cwd, "devnet.json"), JSON.stringify(DEPLOYMENT));
    mkdirSync(path.join(cwd, ".blockcloud"));
    // An endpoint of another chain: a command whose line was understood gets as far as that.
    for (const name of ["receipt", "body"]) writeFileSync(path.join(cwd, name), "x");
    rpc = createServer((request, response) => {
      request.resume().on("end", () => {
        response.end('{"jsonrpc":"2.0","id":0,"result":"0x1"}');
      });
    }).listen(0, "127.0.0.1");
    await once(rpc, "listening");
    const { port } = rpc.address() as { port: number };
    env = {
      BLOCKCLOUD_DEPLOYMENT: "devnet.json",
      BLOCKCLOUD_RPC: `http://127.0.0.1:${port}`,
    };
  });
  after(() => {
    rpc.close();
    rpc.closeAllConnections();
    rmSync(cwd, { recursive: true });
  });

  for (const { name } of leaves()) {
    it(`of ${name} has examples that work`, async () => {
      const { code, stdout, stderr } = await runCli([...name.split(" "), "--help"]);
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
      expect(stdout).to.contain(`Usage: blockcloud ${name}`);
      const [, after = ""] = /\nExamples?:\n((?: {2}.*\n)+)/.exec(stdout) ?? [];
      const lines = after.replaceAll(/\\\n\s*/g, "").split("\n");
      const examples = lines.map((line) => line.trim()).filter((line) => line !== "");
      expect(examples.length).to.be.at.least(1);
      for (const example of examples) await understood(example, name);
    });
  }

  /** Runs an example as far as it goes without a chain. */
  async function understood(example: string, name: string): Promise<void> {
    if (name === "backup restore")
      createBackup(path.join(cwd, ".blockcloud"), path.join(cwd, "auditor.backup"), new Date(0));
    const line = example
      .replace(/ > .*$/, "")
      .replace(/ --scrypt-cost \d+/, "")
      // Another test may use the example's port.
      .replace(/ --listen \S+:\d+/, " --listen 127.0.0.1:0");
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);
    expect(words.slice(0, 2).join(" ")).to.equal(`blockcloud ${name.split(" ")[0]!}`);
    const cost =
      line.includes("key new") || line.includes("key import") ? ["--scrypt-cost", "10"] : [];
    const { code, stderr } = await runCli([...words.slice(1), ...cost], { cwd, env });
    rmSync(path.join(cwd, "auditor.backup"), { force: true });
    if (code === 0 || (name === "doctor" && code === 1)) return;
    // It asks no chain: without the secret, no test tells a webhook elsewhere.
    if (name === "alerts test") {
      expect(stderr).to.match(/^KEY_MISSING: The webhook secret /);
      return;
    }
    // The key of this test is not the one that the sub-service of the example was added with.
    expect(stderr, example).to.match(/^(CHAIN_(MISMATCH|UNREACHABLE)|SUBSERVICE_KEY): /);
    expect(stderr).not.to.contain(readFileSync(path.join(cwd, "wallet.key"), "utf8"));
  }

  it("of the program names every command", async () => {
    const { stdout } = await runCli(["--help"]);
    for (const command of program.commands) {
      expect(stdout).to.match(new RegExp(`^ {2}${command.name()}\\b`, "m"));
    }
  });
});
