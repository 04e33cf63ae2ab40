import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { readDatabaseUrl } from "../../src/cli/indexer/databaseUrl.ts";
import { findPonder, PONDER_VERSION } from "../../src/indexer/installation.ts";
import { packageRoot } from "../../src/node/packageRoot.ts";

describe("what an index needs", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "no-ponder-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("is found in a checkout", async () => {
    const { program } = await findPonder(packageRoot());
    expect(program).to.match(/ponder\.js$/);
  });

  it("is named with the command that installs it, where it is missing or another version", async () => {
    const missing = await findPonder(folder).catch((error: unknown) => error as Error);
    expect(missing).to.have.property("code", "INDEXER_MISSING");
    const modules = path.join(folder, "node_modules", "ponder");
    mkdirSync(modules, { recursive: true });
    writeFileSync(path.join(modules, "package.json"), JSON.stringify({ version: "0.17.7" }));
    const refusal = await findPonder(folder).catch((error: unknown) => error as Error);
    expect((refusal as Error).message).to.include(`npm install ponder@${PONDER_VERSION}`);
  });

  it("takes the URL of a database from the environment or a private file, and repeats it in no error", () => {
    const url = "postgres://index:secret-word@db.example:5432/blockcloud";
    expect(readDatabaseUrl(undefined, {})).to.equal(undefined);
    expect(readDatabaseUrl(undefined, { BLOCKCLOUD_DATABASE_URL: `${url}\n` })).to.equal(url);
    const file = path.join(folder, "url");
    writeFileSync(file, url, { mode: 0o600 });
    expect(readDatabaseUrl(file, {})).to.equal(url);
    writeFileSync(file, "mysql://index:secret-word@db.example");
    expect(() => readDatabaseUrl(file, {}))
      .to.throw()
      .with.property("code", "DATABASE_URL_INVALID");
    expect(() => readDatabaseUrl(file, {}))
      .to.throw()
      .with.property("message")
      .not.include("secret");
  });
});
