import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { Imports } from "../../scripts/test/imports.ts";
import { nearPlan } from "../../scripts/test/near.ts";

/** A small project of each kind of source. */
const FILES: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify({
    name: "house",
    exports: { ".": { "blockcloud-source": "./src/index.ts", default: "./dist/index.js" } },
  }),
  "src/package.json": '{ "imports": { "#floor": { "node": "./floor.ts" } } }',
  "src/floor.ts": "export const floor = 0;",
  "src/stairs.ts": 'import { floor } from "#floor";\nvoid floor;',
  "src/index.ts": 'export * from "./door.ts";',
  "src/door.ts": 'import type { Lock } from "./lock.ts";\nimport { a } from "./hinge.ts";\nvoid a;',
  "src/hinge.ts": 'export { a } from "./iron.ts";',
  "src/iron.ts": "export const a = 1;",
  "src/lock.ts": "export interface Lock {}",
  "src/late.ts": 'export const late = () => import("./iron.ts");',
  "contracts/Vault.sol": 'import {IVault} from "./IVault.sol";\ncontract Vault is IVault {}',
  "contracts/IVault.sol": "interface IVault {}",
  "docs/page.md": "# Page",
  "scripts/vectors.ts": 'import "../src/hinge.ts";',
  "test/door.test.ts": 'import "../src/door.ts";',
  "test/stairs.test.ts": 'import "../src/stairs.ts";',
  "test/package.test.ts": 'import "house";',
  "test/late.test.ts": 'import "../src/late.ts";',
  "test/pages.test.ts": 'globSync("docs/**/*.md");',
  "test/vault.test.ts": 'readArtifact("Vault");',
  "test/vectors.test.ts": 'read("test/vectors/" + topic);',
  "test/vectors/iron.json": "{}",
  "test/Vault.t.sol": 'contract VaultTest { function setUp() { vm.getCode("Vault"); } }',
  "test/Face.t.sol": 'import {IVault} from "../contracts/IVault.sol";',
};

describe("what a change is near to", () => {
  let root: string;
  const near = (...changed: string[]) => nearPlan(changed, new Imports(root));

  before(() => {
    root = mkdtempSync(path.join(tmpdir(), "blockcloud-imports-"));
    for (const [file, text] of Object.entries(FILES)) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    }
  });
  after(() => {
    rmSync(root, { recursive: true });
  });

  it("finds the tests and scripts that import a file, at whatever distance", () => {
    expect(near("src/iron.ts")).to.deep.equal({
      mocha: ["test/door.test.ts", "test/late.test.ts", "test/package.test.ts"],
      solidity: [],
      scripts: ["vectors"],
      alone: [],
    });
    expect(near("src/late.ts").mocha).to.deep.equal(["test/late.test.ts"]);
  });

  it("finds the tests that import the package by its name", () => {
    expect(near("src/index.ts").mocha).to.deep.equal(["test/package.test.ts"]);
  });

  it("finds the tests that import a file by a name of the package's own", () => {
    expect(near("src/floor.ts").mocha).to.deep.equal(["test/stairs.test.ts"]);
  });

  it("follows no import of types: nothing of it runs", () => {
    expect(near("src/lock.ts")).to.deep.include({ mocha: [], alone: ["src/lock.ts"] });
  });

  it("finds a test that was changed itself", () => {
    expect(near("test/late.test.ts").mocha).to.deep.equal(["test/late.test.ts"]);
  });

  it("finds those that import a file that is gone", () => {
    rmSync(path.join(root, "src/iron.ts"));
    try {
      expect(near("src/iron.ts").mocha).to.include("test/door.test.ts");
    } finally {
      writeFileSync(path.join(root, "src/iron.ts"), FILES["src/iron.ts"]!);
    }
  });

  it("finds the tests that take a contract by its name, and those that import its interface", () => {
    expect(near("contracts/Vault.sol")).to.deep.include({
      mocha: ["test/vault.test.ts"],
      solidity: ["test/Vault.t.sol"],
    });
    expect(near("contracts/IVault.sol").solidity).to.deep.equal([
      "test/Face.t.sol",
      "test/Vault.t.sol",
    ]);
  });

  it("finds the tests that read a file by a pattern or in a folder", () => {
    expect(near("docs/page.md").mocha).to.deep.equal(["test/pages.test.ts"]);
    expect(near("test/vectors/iron.json").mocha).to.deep.equal(["test/vectors.test.ts"]);
  });

  it("says which files nothing depends on", () => {
    expect(near("docs/page.md", "LICENSE").alone).to.deep.equal(["LICENSE"]);
  });
});
