import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readConfigFile } from "../../src/node/config.ts";
import { repeatedNames } from "../../src/node/repeatedNames.ts";
import { expectCode } from "../support/expectCode.ts";

describe("the text of a configuration file", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "config-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const read = (text: string) => {
    const file = path.join(folder, "settings.json");
    writeFileSync(file, text);
    return Object.fromEntries(readConfigFile(file));
  };

  it("may begin with the mark of an editor", () => {
    expect(read('\uFEFF{"stake":"5"}')).to.deep.equal({ stake: "5" });
  });

  it("gives numbers as they were written, to the last digit", () => {
    const numbers = {
      amount: "12345678901.123456789012345678",
      small: "0.0000001",
      large: "123456789012345678901234",
      power: "1e3",
      zero: "-0",
    };
    const text = Object.entries(numbers).map(([name, number]) => `"${name}":${number}`);
    expect(read(`{${text.join(",")}}`)).to.deep.equal(numbers);
  });

  it("gives a setting once", () => {
    for (const text of [
      '{"stake":"1","stake":"2"}',
      '{"gas":{"max":1},"gas":{"min":1}}',
      '{"gas.max":1,"gas":{"max":2}}',
      '{"stake":"1","\\u0073take":"2"}',
    ]) {
      const error = expectCode("CONFIG_INVALID", () => read(text));
      expect(error.message, text).to.match(/: (stake|gas|gas\.max): is given twice/);
    }
  });

  it("may use a name again in another place, and what looks like one in a text", () => {
    for (const text of [
      '{"a":{"max":1},"b":{"max":2},"max":3}',
      '{"list":[{"max":1},{"max":2},[{"max":3}]],"max":4}',
      '{"a":"\\"b\\":","b":"{\\"b\\":[","c":"\\\\"}',
      '{"a":["b","a"],"b":["a"]}',
    ]) {
      expect(JSON.parse(text)).to.be.an("object");
      expect(repeatedNames(text), text).to.deep.equal([]);
    }
  });
});
