import { expect } from "chai";
import { spawnSync } from "node:child_process";
import type { Command } from "commander";
import { flagsOfCommands } from "../../src/cli/completionFlags.ts";
import { processIo } from "../../src/cli/framework/io.ts";
import { loadProgram } from "../../src/cli/program.ts";
import { runCli } from "../support/cli.ts";

const { program } = await loadProgram(processIo());
const all = program.commands.flatMap((command) => [command, ...command.commands]);
const script = async (shell: string) => (await runCli(["completion", shell])).stdout;

/** What bash offers when Tab is pressed after these words. */
function offered(source: string, words: readonly string[]): string[] {
  const line = ["blockcloud", ...words].map((word) => `'${word}'`).join(" ");
  const test = `${source}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _blockcloud
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, status, stderr } = spawnSync("bash", ["-c", test], { encoding: "utf8" });
  expect(status, stderr).to.equal(0);
  return stdout.split("\n").filter((word) => word !== "");
}

describe("blockcloud completion", () => {
  it("knows the flags that the commands have, and no others", () => {
    const flagsBelow = (parent: Command, prefix = ""): [string, string][] =>
      parent.commands.flatMap((command) => {
        const name = `${prefix} ${command.name()}`.trim();
        if (command.commands.length > 0) return flagsBelow(command, name);
        return [[name, command.options.map(({ long }) => long).join(" ")]];
      });
    expect(Object.entries(flagsOfCommands), "run: node scripts/completion.ts").to.deep.equal(
      flagsBelow(program),
    );
  });

  for (const shell of ["bash", "zsh", "fish"]) {
    it(`names every command and every flag in ${shell}`, async () => {
      const source = await script(shell);
      for (const command of all) {
        expect(source).to.match(new RegExp(`\\b${command.name()}\\b`));
        for (const { long } of command.options) {
          expect(source, `${command.name()} ${long ?? ""}`).to.contain(
            long?.replace(/^--/, "") ?? "",
          );
        }
      }
    });
  }

  it("is a script that bash can read", async () => {
    const { status, stderr } = spawnSync("bash", ["-n"], { input: await script("bash") });
    expect(status, stderr.toString()).to.equal(0);
  });

  it("completes commands, the commands below them, and flags", async () => {
    const source = await script("bash");
    expect(offered(source, ["serv"])).to.deep.equal(["service"]);
    expect(offered(source, ["service", "set-p"])).to.deep.equal(["set-probe", "set-payout"]);
    expect(offered(source, ["service", "label", "--lab"])).to.deep.equal(["--label"]);
    expect(offered(source, ["exit", "--aud"])).to.deep.equal(["--auditor"]);
    expect(offered(source, ["service", "label", "--service", "7", "--dry"])).to.deep.equal([
      "--dry-run",
    ]);
  });

  it("knows three shells", async () => {
    const { code, stderr } = await runCli(["completion", "tcsh"]);
    expect(code).to.equal(2);
    expect(stderr).to.contain("bash, zsh, fish");
  });
});
