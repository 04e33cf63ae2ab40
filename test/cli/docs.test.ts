import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { places } from "../../src/cli/configuration.ts";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import type { Flag } from "../../src/cli/framework/flag.ts";
import { processIo } from "../../src/cli/framework/io.ts";
import { nameOf } from "../../src/cli/framework/settings.ts";
import { loadProgram } from "../../src/cli/program.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { exitCodeOf } from "../../src/cli/framework/exitCodes.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/cli.md"), "utf8");
const { program, definitions } = await loadProgram(processIo());

/** Rows of the table below a heading, without its head; cells without back ticks. */
function table(heading: string): string[][] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const rows = (section.split("\n## ")[0] ?? "").matchAll(/^\|(.*)\|$/gm);
  return [...rows]
    .map(([, row = ""]) => row.split("|").map((cell) => cell.trim().replaceAll("`", "")))
    .slice(2);
}

/** Flag and environment variable. */
function waysOf(flag: Flag<unknown>): string[] {
  return [nameOf(flag), flag.options.env ?? ""];
}

function leaves(parent: Command, prefix = ""): [string, string][] {
  return parent.commands.flatMap((command): [string, string][] => {
    const name = `${prefix} ${command.name()}`.trim();
    const { commands } = command;
    return commands.length > 0 ? leaves(command, name) : [[name, command.description()]];
  });
}

describe("docs/cli.md", () => {
  it("lists every command with its description, and no other", () => {
    expect(table("Commands")).to.deep.equal(leaves(program));
  });

  it("lists every exit code, and no other", () => {
    const listed = table("Exit codes").map(([code, name]) => [name, Number(code)]);
    expect(Object.fromEntries(listed)).to.deep.equal(exitCodes);
  });

  it("lists every place of the configuration file with its flag and variable", () => {
    const listed = [...places].map(([place, flag]) => [place, ...waysOf(flag)]);
    expect(table("Configuration").sort()).to.deep.equal(listed.sort());
  });
});

describe("the configuration file", () => {
  const flags = definitions.flatMap((definition) => Object.values(definition.flags));

  it("has a place for each flag of a command that names one, and no other", () => {
    const named = flags.flatMap(({ options: { config } }) =>
      config === undefined ? [] : [config],
    );
    expect([...new Set(named)].sort()).to.deep.equal([...places.keys()].sort());
  });

  it("reads a place in one way, whichever command's flag names it", () => {
    for (const flag of flags) {
      const { config } = flag.options;
      if (config === undefined) continue;
      const known = places.get(config);
      expect(known && waysOf(known)[0], config).to.equal(waysOf(flag)[0]);
    }
  });
});

describe("exit codes", () => {
  for (const [code, name] of [
    ["CONFIG_INVALID", "usage"],
    ["KEY_FILE_OPEN", "usage"],
    ["DEPLOYMENT_INVALID", "usage"],
    ["CHAIN_MISMATCH", "usage"],
    ["REFUSED", "refused"],
    ["CHAIN_UNREACHABLE", "unreachable"],
    ["CALL_REVERTED", "reverted"],
    ["TRANSACTION_REVERTED", "reverted"],
    ["INTERRUPTED", "interrupted"],
    ["BALANCE_TOO_LOW", "failed"],
  ] as const) {
    it(`${code} ends with ${name}`, () => {
      expect(exitCodeOf(new BlockcloudError(code, ""))).to.equal(exitCodes[name]);
    });
  }

  it("a bug ends with failed", () => {
    expect(exitCodeOf(new TypeError("x"))).to.equal(exitCodes.failed);
  });
});
