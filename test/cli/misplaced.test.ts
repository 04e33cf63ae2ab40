import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadProgram } from "../../src/cli/program.ts";
import type { Flag } from "../../src/cli/framework/flag.ts";
import { processIo } from "../../src/cli/framework/io.ts";
import { runCli } from "../support/cli.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";

const KEY = `0x${"5e".repeat(32)}`;
const PHRASE = "test test test test test test test test test test test junk";
/** What people paste where a path belongs, and what nothing may repeat of it. */
const secrets = [
  { what: "a key", secret: KEY, part: "5e5e" },
  { what: "a key without 0x", secret: KEY.slice(2), part: "5e5e" },
  { what: "a key in a folder", secret: `keys/${KEY}`, part: "5e5e" },
  { what: "a key that lost a digit", secret: KEY.slice(0, -1), part: "5e5e" },
  { what: "a key in quotes", secret: `"${KEY}"`, part: "5e5e" },
  { what: "a recovery phrase", secret: PHRASE, part: "junk" },
  { what: "an encrypted key", secret: '{"version":3,"crypto":{"mac":"5e5e"}}', part: "5e5e" },
];

describe("a secret where a path belongs", () => {
  let cwd: string;

  before(() => {
    cwd = mkdtempSync(path.join(tmpdir(), "misplaced-"));
    writeFileSync(path.join(cwd, "devnet.json"), JSON.stringify(DEPLOYMENT));
    writeFileSync(path.join(cwd, "plain.key"), KEY, { mode: 0o600 });
  });
  after(() => {
    rmSync(cwd, { recursive: true });
  });

  const refused = async (args: readonly string[], part: string, env = {}) => {
    const { code, stderr, stdout } = await runCli([...args, "--json"], { cwd, env });
    const line = args.join(" ").replaceAll(part, "...");
    expect(code, line).to.equal(2);
    expect(stderr, line).to.contain("KEY_MISPLACED");
    expect(stderr + stdout, line).not.to.contain(part);
  };

  for (const { what, secret, part } of secrets) {
    it(`${what} is refused by every flag that takes a path, and never repeated`, async () => {
      const { definitions, program } = await loadProgram(processIo());
      // Each with words in the places of its arguments: commander asks for them first.
      const commands = program.commands.flatMap((group) =>
        (group.commands.length > 0 ? group.commands : [group]).map((command) => [
          ...(command === group ? [] : [group.name()]),
          command.name(),
          ...command.registeredArguments.map(() => "1"),
        ]),
      );
      const takesPath = ({ kind }: Flag<unknown>) => ["path", "key", "keys"].includes(kind);
      let count = 0;
      for (const [index, { flags }] of definitions.entries()) {
        for (const flag of Object.values(flags).filter(takesPath)) {
          count++;
          const name = flag.syntax.split(" ")[0] ?? "";
          await refused([...(commands[index] ?? []), name, secret], part);
        }
      }
      expect(count).to.be.greaterThan(100);
    });

    it(`${what} is refused in the environment, as an argument and after @`, async () => {
      for (const variable of ["CONFIG", "DEPLOYMENT", "STATE"]) {
        await refused(["doctor"], part, { [`BLOCKCLOUD_${variable}`]: secret });
      }
      for (const args of [
        ["key", "address"],
        ["key", "new"],
        ["key", "import"],
        ["backup", "create"],
        ["backup", "restore"],
      ]) {
        await refused([...args, secret], part);
      }
      await refused(["service", "register", "--probe", `@${secret}`], part);
    });
  }

  it("is not repeated by words that no command knows, nor by a network's name", async () => {
    for (const args of [
      ["key", KEY],
      [KEY],
      ["doctor", `--${KEY}`],
      ["doctor", "--network", KEY],
      ["service", "register", "--stake", KEY, "--metadata", KEY],
    ]) {
      const { code, stderr, stdout } = await runCli([...args, "--json"], { cwd });
      expect(code).to.equal(2);
      expect(stderr + stdout).not.to.contain("5e5e");
    }
  });

  it("is not repeated as the name of a password file that is not there", async () => {
    const args = ["key", "new", "a.key", "--password-file", "correct-horse-battery", "--json"];
    const { code, stderr, stdout } = await runCli(args, { cwd });
    expect(code).to.equal(2);
    expect(stderr).to.contain("KEY_MISSING");
    expect(stderr + stdout).not.to.contain("horse");
  });

  it("does not stop paths below folders that a hash names", async () => {
    const { stderr } = await runCli(["key", "address", `/overlay/${KEY.slice(2)}/a.key`], { cwd });
    expect(stderr).to.contain("KEY_MISSING");
  });
});
