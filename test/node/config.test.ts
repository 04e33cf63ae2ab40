import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readConfigFile } from "../../src/node/config.ts";
import { expectCode } from "../support/expectCode.ts";

const KEY = `0x${"5e".repeat(32)}`;

describe("readConfigFile", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "config-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const read = (content: unknown) => {
    const file = path.join(folder, "settings.json");
    writeFileSync(file, JSON.stringify(content));
    return [...readConfigFile(file)];
  };

  it("gives each setting by its place, objects in a list by their number", () => {
    const places = read({
      rpc: ["http://a", "http://b"],
      fees: { maxFee: 30 },
      services: [
        { service: 7, listen: "127.0.0.1:80" },
        { keys: ["a"], gateway: { on: true } },
      ],
    });
    expect(places).to.deep.equal([
      ["rpc", ["http://a", "http://b"]],
      ["fees.maxFee", "30"],
      ["services[0].service", "7"],
      ["services[0].listen", "127.0.0.1:80"],
      ["services[1].keys", ["a"]],
      ["services[1].gateway.on", "true"],
    ]);
  });

  for (const [what, content] of [
    ["texts and objects in one list", { services: ["a", { service: 7 }] }],
    ["lists in a list", { services: [[{ service: 7 }]] }],
    ["nothing", { services: null }],
    ["an empty object in a list", { services: [{ service: 7 }, {}] }],
    ["objects that are nested too deeply", { a: [{ b: [{ c: [{ d: 1 }] }] }] }],
    ["a list in place of the file's object", [{ service: 7 }]],
  ] as const) {
    it(`refuses ${what}`, () => {
      expectCode("CONFIG_INVALID", () => read(content));
    });
  }

  it("refuses a key in a list of objects, and does not repeat it", () => {
    const { message } = expectCode("CONFIG_INVALID", () => read({ services: [{ key: KEY }] }));
    expect(message).to.contain("services[0].key").and.not.to.contain(KEY.slice(2));
  });
});
