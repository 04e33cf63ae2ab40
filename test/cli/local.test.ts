import { expect } from "chai";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { runCli } from "../support/cli.ts";

const KEY = `0x${"5e".repeat(32)}` as const;
const PASSWORD = "correct horse battery";

describe("commands that need no chain", function () {
  let cwd: string;
  let printed = "";

  before(() => {
    cwd = mkdtempSync(path.join(tmpdir(), "local-"));
    writeFileSync(path.join(cwd, "plain.key"), `${KEY}\n`, { mode: 0o600 });
    writeFileSync(path.join(cwd, "password"), `${PASSWORD}\n`, { mode: 0o600 });
  });
  after(() => {
    rmSync(cwd, { recursive: true });
  });

  async function cli(line: string, env: Record<string, string> = {}) {
    const outcome = await runCli(line.split(" "), { cwd, env });
    printed += outcome.stdout + outcome.stderr;
    return outcome;
  }
  const cheap = "--scrypt-cost 10 --json";

  it("key new writes an encrypted key of mode 600, and overwrites nothing", async () => {
    const made = await cli(`key new a.key --password-file password ${cheap}`);
    expect(made.code, made.stderr).to.equal(0);
    const file = path.join(cwd, "a.key");
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    const before = readFileSync(file, "utf8");
    const again = await cli(`key new a.key --password-file password ${cheap}`);
    expect(again.stderr).to.contain("KEY_EXISTS");
    expect(readFileSync(file, "utf8")).to.equal(before);
    const shown = await cli("key address a.key --json");
    expect(shown.json()).to.deep.equal({ address: made.json().address, encrypted: true });
  });

  it("key import encrypts a plain key, from a file or the environment", async () => {
    const address = addressOfKey(KEY);
    const fromFile = await cli(`key import b.key --from plain.key ${cheap}`, {
      BLOCKCLOUD_PASSWORD: PASSWORD,
    });
    expect(fromFile.json()).to.include({ address });
    const fromEnv = await cli(`key import c.key --password-file password ${cheap}`, {
      BLOCKCLOUD_KEY: KEY,
    });
    expect(fromEnv.json()).to.include({ address });
    const rewrapped = await cli(`key import d.key --from c.key --password-file password ${cheap}`);
    expect(rewrapped.json()).to.include({ address });
  });

  it("a password is long, and comes from a file that only its owner may read or from a prompt", async () => {
    const env = { BLOCKCLOUD_PASSWORD: "short" };
    expect((await cli("key new e.key", env)).stderr).to.contain("KEY_PASSWORD_WEAK");
    expect((await cli("key new e.key")).stderr).to.contain("KEY_PASSWORD_MISSING");
    writeFileSync(path.join(cwd, "open"), PASSWORD, { mode: 0o644 });
    const open = await cli("key new e.key --password-file open");
    expect(open.stderr).to.contain("KEY_FILE_OPEN").and.not.to.contain(PASSWORD);
    expect(open.code).to.equal(exitCodes.usage);
    const env2 = { BLOCKCLOUD_PASSWORD: "another password" };
    const wrong = await cli(`key import f.key --from a.key ${cheap}`, env2);
    expect(wrong.stderr).to.contain("KEY_PASSWORD:");
  });

  it("provider handoff knows a folder in which no agent runs from one that is not there", async () => {
    mkdirSync(path.join(cwd, "quiet"));
    const quiet = await cli("provider handoff --state quiet --json");
    expect(quiet.code, quiet.stderr).to.equal(0);
    expect(quiet.json()).to.deep.equal({ processes: [] });
    const absent = await cli("provider handoff --state absent");
    expect(absent.code).not.to.equal(0);
    expect(absent.stderr).to.match(/^STATE_MISSING: /);
  });

  it("backup create and restore move the state", async () => {
    await cli("key address plain.key");
    writeFileSync(path.join(cwd, "outside"), "");
    const none = await cli("backup create x.backup --state nowhere");
    expect(none.stderr).to.contain("STATE_MISSING");
    mkdirSync(path.join(cwd, "state"));
    writeFileSync(path.join(cwd, "state/rounds"), "1");
    const made = await cli("backup create x.backup --state state --json");
    expect(made.json().files).to.have.length(1);
    expect((await cli("backup restore x.backup --state state")).stderr).to.contain("STATE_EXISTS");
    const back = await cli("backup restore x.backup --state restored");
    expect(back.code, back.stderr).to.equal(0);
    expect(readFileSync(path.join(cwd, "restored/rounds"), "utf8")).to.equal("1");
  });

  it("showed neither a key nor a password in all of this", () => {
    expect(printed).not.to.contain("5e5e").and.not.to.contain(PASSWORD);
  });
});
