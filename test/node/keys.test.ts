import { expect } from "chai";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { findKey, findKeys } from "../../src/node/keys.ts";
import { readPasswordFile } from "../../src/node/secretFile.ts";
import { expectCode } from "../support/expectCode.ts";

const KEY = `0x${"5e".repeat(32)}`;
const variable = "BLOCKCLOUD_TEST_KEY";

/** The environment of a test. */
let env: Record<string, string> = {};
const noPassword = () => Promise.reject(new Error("no password is needed"));

async function loadKey(source: { file: string | undefined; variable: string }) {
  return findKey({ ...source, env }).unlock(noPassword);
}

async function loadKeys(source: { files: readonly string[]; variable: string }) {
  return Promise.all(findKeys({ ...source, env }).map((key) => key.unlock(noPassword)));
}

describe("findKey", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "keys-"));
    file = path.join(folder, "service.key");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    env = {};
  });

  function write(text: string, mode = 0o600): void {
    writeFileSync(file, text);
    chmodSync(file, mode);
  }

  const source = () => ({ file, variable, env });

  /** Runs as a user who may not read the file: root would read any. */
  function unprivileged<T>(work: () => T): T {
    const user = process.geteuid?.();
    if (user !== 0) chmodSync(file, 0);
    else process.seteuid?.(65_534);
    try {
      return work();
    } finally {
      if (user === 0) process.seteuid?.(0);
    }
  }

  it("reads a file, a line feed at its end and capitals included", async () => {
    write(`${KEY.toUpperCase().replace("0X", "0x")}\n`);
    expect(await loadKey({ file, variable })).to.equal(KEY);
  });

  it("reads the variable when no file is named", async () => {
    env[variable] = ` ${KEY} `;
    expect(await loadKey({ file: undefined, variable })).to.equal(KEY);
  });

  it("prefers the file", async () => {
    env[variable] = `0x${"00".repeat(32)}`;
    write(KEY);
    expect(await loadKey({ file, variable })).to.equal(KEY);
  });

  it("takes a file that its owner may only read", async () => {
    write(KEY, 0o400);
    expect(await loadKey({ file, variable })).to.equal(KEY);
  });

  for (const mode of [0o640, 0o604, 0o620, 0o601]) {
    it(`refuses a file of mode ${mode.toString(8)}, and says what to do`, () => {
      write(KEY, mode);
      const error = expectCode("KEY_FILE_OPEN", () => findKey({ file, variable, env }));
      expect(error.message).to.contain(mode.toString(8));
      expect(error.remedy).to.equal(`Run: chmod 600 ${file}`);
    });
  }

  it("takes what systemd hands over, with its access list in the group's place, and nothing more open", async () => {
    process.env.CREDENTIALS_DIRECTORY = folder;
    try {
      write(KEY, 0o440);
      expect(await loadKey({ file, variable })).to.equal(KEY);
      for (const mode of [0o444, 0o460, 0o441]) {
        write(KEY, mode);
        expectCode("KEY_FILE_OPEN", () => findKey({ file, variable, env }));
      }
      process.env.CREDENTIALS_DIRECTORY = path.join(folder, "elsewhere");
      write(KEY, 0o440);
      expectCode("KEY_FILE_OPEN", () => findKey({ file, variable, env }));
    } finally {
      delete process.env.CREDENTIALS_DIRECTORY;
    }
  });

  it("misses a file that is not there, and does not fall back to the variable", () => {
    env[variable] = KEY;
    const error = expectCode("KEY_MISSING", () => findKey({ file, variable, env }));
    expect(error.message).to.contain(file);
  });

  it("says of a file that this user may not read what would help, and of a folder that it is no file", () => {
    write(KEY);
    const error = expectCode("KEY_UNREADABLE", () => unprivileged(() => findKey(source())));
    expect(error.remedy).to.contain(`chmod 600 ${file}`);
    file = folder;
    expect(expectCode("KEY_UNREADABLE", () => findKey(source())).message).to.contain(file);
  });

  for (const [what, text] of [
    ["without 0x", KEY.slice(2)],
    ["with the mark and the line ends of another system", `\uFEFF${KEY}\r\n`],
  ] as const) {
    it(`takes a key ${what}`, async () => {
      write(text);
      expect(await loadKey({ file, variable })).to.equal(KEY);
    });
  }

  it("says of a file in UTF-16 what it is", () => {
    writeFileSync(file, Buffer.from(`\uFEFF${KEY}`, "utf16le"), { mode: 0o600 });
    expectCode("KEY_MALFORMED", () => findKey({ file, variable, env }));
  });

  it("says of a password in an old encoding what it is, and repeats nothing of it", () => {
    writeFileSync(file, Buffer.from("Gel\u00e4nder\n", "latin1"), { mode: 0o600 });
    const error = expectCode("KEY_MALFORMED", () => readPasswordFile(file));
    expect(inspect(error, { depth: null })).not.to.contain("nder");
  });

  for (const [what, text] of [
    ["nothing", undefined],
    ["an empty text", ""],
    ["spaces", "  \n"],
  ] as const) {
    it(`misses a key in a variable with ${what}`, () => {
      if (text !== undefined) env[variable] = text;
      const error = expectCode("KEY_MISSING", () => findKey({ file: undefined, variable, env }));
      expect(error.remedy).to.contain(variable);
    });
  }

  for (const [what, text] of [
    ["a digit too few", KEY.slice(0, -1)],
    ["a digit too many", `${KEY}5`],
    ["0x alone", "0x"],
    ["a wrong digit", `${KEY.slice(0, -1)}g`],
    ["two keys", `${KEY}\n${KEY}`],
  ] as const) {
    it(`refuses ${what}, and never shows it`, () => {
      write(text);
      env[variable] = text;
      for (const source of [
        { file, variable },
        { file: undefined, variable },
      ]) {
        const error = expectCode("KEY_MALFORMED", () => findKey({ ...source, env }));
        expect(inspect(error, { depth: null })).not.to.contain("5e5e");
      }
    });
  }
});

describe("findKeys", () => {
  const other = `0x${"6f".repeat(32)}`;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "keys-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    env = {};
  });

  it("reads one key from each file", async () => {
    const files = [KEY, other].map((key, index) => {
      const file = path.join(folder, `${index}.key`);
      writeFileSync(file, `${key}\n`, { mode: 0o600 });
      return file;
    });
    expect(await loadKeys({ files, variable })).to.deep.equal([KEY, other]);
  });

  it("reads as many as the variable holds, or none", async () => {
    expect(await loadKeys({ files: [], variable })).to.deep.equal([]);
    for (const text of [`${KEY},${other}`, ` ${KEY}, ${other}\n`, `${KEY} ${other}`]) {
      env[variable] = text;
      expect(await loadKeys({ files: [], variable })).to.deep.equal([KEY, other]);
    }
    env[variable] = "";
    expect(await loadKeys({ files: [], variable })).to.deep.equal([]);
  });

  it("refuses what is no key, and does not repeat it", () => {
    env[variable] = `${KEY},${other.slice(0, -1)}`;
    const error = expectCode("KEY_MALFORMED", () => findKeys({ files: [], variable, env }));
    expect(inspect(error)).not.to.contain(other.slice(2, -1));
    const files = [path.join(folder, "missing.key")];
    expectCode("KEY_MISSING", () => findKeys({ files, variable, env }));
  });
});

describe("readPasswordFile", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "password-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  for (const [written, meant] of [
    ["correct horse", "correct horse"],
    ["correct horse\n", "correct horse"],
    ["correct horse\r\n", "correct horse"],
    ["\uFEFFcorrect horse\r\n", "correct horse"],
    [" spaces count \n\n", " spaces count \n"],
  ] as const) {
    it(`reads ${JSON.stringify(written)}`, () => {
      const file = path.join(folder, "password");
      writeFileSync(file, written, { mode: 0o600 });
      expect(readPasswordFile(file)).to.equal(meant);
    });
  }
});
