import { expect } from "chai";
import { spawnSync } from "node:child_process";
import type { Command } from "commander";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { formatEther } from "viem";
import { networks } from "../ignition/networks.ts";
import { steps } from "../scripts/test/steps.ts";
import { processIo } from "../src/cli/framework/io.ts";
import { commands as allEntries } from "../src/cli/commands.ts";
import type { Entry } from "../src/cli/framework/entry.ts";
import { loadProgram } from "../src/cli/program.ts";

const root = path.dirname(import.meta.dirname);
const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const pages = globSync(["*.md", "{docs,contracts,src,scripts,test}/**/*.md"], { cwd: root });
const all = pages.map((page) => ({ page, text: read(page) }));
const protocol = read("docs/protocol.md");
/** What is run by npm in this repository, beside the commands of the package. */
const scripted = ["scripts/deploy.ts", "scripts/faucet.ts", "devnet/main.ts"];
const helps = new Map<string, string>();

/** First capture of each match, without repetition. */
function captures(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))];
}

/** The text between a heading and the next one that is not below it. */
function section(heading: string): string {
  const [, after] = protocol.split(`\n${heading}\n`);
  expect(after, heading).to.be.a("string");
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  return after!.split(new RegExp(`^#{1,${level}} `, "m"))[0] ?? "";
}

/** Cells of the rows of a table, trimmed. */
function rows(text: string): string[][] {
  return captures(text, /^\|(.*)\|$/gm)
    .map((row) => row.split("|").map((cell) => cell.trim()))
    .filter(([first = ""]) => !/^-+$/.test(first));
}

/** Code of a page: fenced blocks with continued lines joined, then inline code. */
function code(text: string): { blocks: string[]; inline: string[] } {
  const blocks = captures(text, /^ *```\w*\n([^]*?)^ *```$/gm);
  const rest = text.replaceAll(/^ *```[^]*?^ *```$/gm, "");
  return {
    blocks: blocks.map((block) => block.replaceAll(/\\\n\s*/g, "")),
    inline: captures(rest, /`([^`]+)`/g),
  };
}

const { program } = await loadProgram(processIo());

/** A command of the tree, by its name with the names above it; undefined when there is none. */
function commandNamed(name: string): Command | undefined {
  let found: Command | undefined = program;
  for (const word of name.split(" ").filter((part) => part !== "")) {
    found = found?.commands.find((command) => command.name() === word);
  }
  return found;
}

function help(command: string): string {
  return commandNamed(command)?.helpInformation() ?? "";
}

/** All commands with those below them. */
function commands(parent: Command = program, prefix = ""): string[] {
  return parent.commands.flatMap((command) => {
    const name = `${prefix} ${command.name()}`.trim();
    return [name, ...commands(command, name)];
  });
}

/** The command that a line begins with; what follows it are its arguments. */
function called(words: readonly string[]): string {
  let length = words.length;
  while (length > 1 && commandNamed(words.slice(0, length).join(" ")) === undefined) length--;
  const name = words.slice(0, length).join(" ");
  const takesArguments = (commandNamed(name)?.registeredArguments.length ?? 0) > 0;
  return length === words.length || takesArguments ? name : words.join(" ");
}

const entries: Readonly<Record<string, Entry>> = allEntries;

/** The command that runs: of a group without a subcommand, its default one. */
function meant(command: string): string {
  const entry = Object.hasOwn(entries, command) ? entries[command] : undefined;
  const otherwise = entry !== undefined && "commands" in entry ? entry.otherwise : undefined;
  return otherwise === undefined ? command : `${command} ${otherwise}`;
}

describe("documents", () => {
  for (const { page, text } of all) {
    it(`${page}: links lead somewhere`, () => {
      const links = captures(text, /\]\(([^)\s]+)\)/g).filter((link) => !/^[a-z]+:/.test(link));
      const dead = links.filter((link) => {
        const [file = "", anchor] = link.split("#");
        const target = path.join(path.dirname(page), file);
        if (file !== "" && !existsSync(path.join(root, target))) return true;
        if (anchor === undefined) return false;
        const headings = captures(file === "" ? text : read(target), /^#+ (.*)$/gm);
        const slug = (heading: string) =>
          heading
            .toLowerCase()
            .replaceAll(/[^\w\- ]/g, "")
            .replaceAll(" ", "-");
        return !headings.map(slug).includes(anchor);
      });
      expect(dead).to.deep.equal([]);
    });

    it(`${page}: files named exist`, () => {
      const { blocks, inline } = code(text);
      const folders = "bin|contracts|docs|ignition|scripts|src|test";
      const named = inline.filter((item) => new RegExp(`^(${folders})/[\\w./-]*$`).test(item));
      const trees = blocks
        .filter((block) => !block.includes("$"))
        .flatMap((block) => captures(block, /^([\w.-]+(?:\/[\w.-]*)+) {2,}\S/gm));
      const missing = [...named, ...trees]
        // What a build makes is not there before it.
        .filter((file) => !file.startsWith("dist/"))
        .filter((file) => !existsSync(path.join(root, file)));
      expect(missing).to.deep.equal([]);
    });

    it(`${page}: commands and flags exist`, () => {
      const { blocks, inline } = code(text);
      const lines = [...blocks.flatMap((block) => block.split("\n")), ...inline];
      const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
      const parts = [...steps.map(({ name }) => name), "near"];
      const known = commands();
      const wrong: string[] = [];
      const check = (command: string, rest: string) => {
        const flags = captures(rest, /(?:^|\s)(--[a-z-]+)/g);
        for (const flag of flags.filter((name) => name !== "--help")) {
          if (!new RegExp(`${flag}\\b(?!-)`).test(help(meant(command))))
            wrong.push(`${command} ${flag}`);
        }
      };
      for (const line of lines) {
        for (const script of captures(line, /\bnpm run ([\w:-]+)/g)) {
          if (!(script in scripts)) wrong.push(`npm run ${script}`);
        }
        const ours = /\bnpm run (deploy|faucet) -- (.*)$/.exec(line);
        for (const flag of captures(ours?.[2] ?? "", /(?:^|\s)(--[a-z-]+)/g)) {
          const script = ours?.[1] ?? "";
          if (!scriptHelp(`scripts/${script}.ts`).includes(flag)) wrong.push(`${script} ${flag}`);
        }
        for (const step of captures(line, /\bnpm test -- (\w+)/g)) {
          if (!parts.includes(step)) wrong.push(`npm test -- ${step}`);
        }
        const start = /\bnpm start --(.*)$/.exec(line.split(" #")[0] ?? "");
        for (const flag of captures(start?.[1] ?? "", /(?:^|\s)(--[a-z-]+)/g)) {
          if (!scriptHelp("devnet/main.ts").includes(flag)) wrong.push(`npm start ${flag}`);
        }
        const call = /(?:^|\s|bin\/)blockcloud ((?:[a-z][a-z-]*(?= |$) ?)*)(.*)$/.exec(line);
        if (call === null) continue;
        const words = (call[1] ?? "").trim();
        const command = called(words.split(" "));
        if (words !== "" && !known.includes(command)) wrong.push(`blockcloud ${command}`);
        else check(command, ` ${call[2] ?? ""}`);
      }
      const everything = [help(""), ...known.map(help), ...scripted.map(scriptHelp)].join("\n");
      for (const flag of inline.filter((item) => /^--[a-z-]+$/.test(item))) {
        if (!new RegExp(`${flag}\\b(?!-)`).test(everything)) wrong.push(flag);
      }
      expect(wrong).to.deep.equal([]);
    });
  }

  it("has the commands that the pages are checked against", () => {
    expect(commands()).to.include.members(["provider run", "auditor run"]);
    expect(commands().filter((command) => help(command) === "")).to.deep.equal([]);
    expect(help("provider run")).to.include("--service-key-file");
  });

  it("docs/protocol.md: parameters are those of the code", () => {
    const table = rows(section("## 7. Parameters")).slice(1);
    expect(table.length).to.be.at.least(30);
    const columns = [
      ["devnet", 2],
      ["sepolia", 3],
      ["base-sepolia", 3],
    ] as const;
    const wrong = table.flatMap((row) =>
      columns.flatMap(([network, column]) => {
        const [name = "", where = ""] = row;
        const id = /`(\w+)`/.exec(name)?.[1] ?? "";
        const actual = valueOf(id, where.replaceAll("`", ""), network);
        const said = row[column];
        return actual === said
          ? []
          : [`${id}, ${network}: ${said} in the table, ${actual} is used`];
      }),
    );
    expect(wrong).to.deep.equal([]);
  });

  it("docs/protocol.md: constants are the same in both columns", () => {
    const table = rows(section("## 7. Parameters")).slice(1);
    const constants = table.filter(([, where = ""]) => where.startsWith("`"));
    expect(constants.filter(([, , devnet, network]) => devnet !== network)).to.deep.equal([]);
  });

  it("docs/protocol.md: lists every error of the contracts and no other", () => {
    const declared = globSync("contracts/**/*.sol", { cwd: root })
      .flatMap((file) => captures(read(file), /^ *error (\w+)\(/gm))
      .sort();
    const errors = section("## 6. Errors").split("application/problem+json")[0] ?? "";
    const listed = captures(errors, /`([A-Z][a-z]\w+)`/g).filter((name) => name !== "CallFailed");
    expect(listed.filter((name) => !name.startsWith("Blockcloud")).sort()).to.deep.equal(declared);
  });

  it("docs/protocol.md: lists every code of the gateway, with its status", () => {
    const declared = captures(
      read("src/provider/gateway/problem.ts"),
      /^ {2}([A-Z_0-9]+: \{\s*status: \d+)/gm,
    ).map((entry) => entry.replace(/: \{\s*status: /, " "));
    const listed = rows(section("## 6. Errors"))
      .filter(([status = ""]) => /^\d{3}$/.test(status))
      .flatMap(([status, codes = ""]) =>
        captures(codes, /`([A-Z_0-9]{5,})`/g).map((c) => `${c} ${status}`),
      );
    // 499 is only logged: the client has gone.
    expect(listed.sort()).to.deep.equal(declared.filter((c) => c !== "CLIENT_GONE 499").sort());
  });
});

/** What the scripts with flags of their own say about them. */
function scriptHelp(script: string): string {
  let text = helps.get(script);
  if (text === undefined) {
    const args = [script, "--help"];
    text = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" }).stdout;
    helps.set(script, text);
  }
  return text;
}

/** A parameter's value in the code, in the table's unit. */
function valueOf(name: string, where: string, network: string): string {
  if (where.startsWith("src/")) return number(find(read(where), `const ${name} =([^;]+);`));
  if (/^[A-Z]\w+$/.test(where)) {
    const [file] = globSync(`contracts/**/${where}.sol`, { cwd: root });
    return number(find(read(file ?? ""), `constant ${name} =([^;]+);`));
  }
  return name === "confirmations"
    ? String(networks[network]?.confirmations)
    : deployed(network, name);
}

/** A parameter in a network's file, BLOC in whole ones. */
function deployed(network: string, name: string): string {
  const file = `ignition/parameters/${network}.json`;
  const { Blockcloud } = JSON.parse(read(file)) as { Blockcloud: Record<string, string | number> };
  const value = Blockcloud[name];
  return typeof value === "string" ? formatEther(BigInt(value.slice(0, -1))) : String(value);
}

function find(text: string, pattern: string): string {
  return new RegExp(pattern).exec(text)?.[1]?.trim() ?? "not found";
}

/** `10_000`, `1e18`, `parseEther("5000")`, `2 ** 14`. BLOC in wei become BLOC. */
function number(expression: string): string {
  const plain = expression.replaceAll("_", "").replace(/^parseEther\("(\d+)"\)$/, "$1");
  const [, base, exponent] = /^(\d+) \*\* (\d+)$/.exec(plain) ?? [];
  if (base !== undefined) return String(Number(base) ** Number(exponent));
  return plain.replace(/^(\d+)e18$/, "$1");
}
