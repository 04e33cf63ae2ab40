import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
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

  /** Writes the package.json of packages, by their folders. */
  const install = (packages: Record<string, string>) => {
    const root = mkdtempSync(path.join(folder, "machine-"));
    for (const [place, version] of Object.entries(packages)) {
      mkdirSync(path.join(root, place), { recursive: true });
      writeFileSync(path.join(root, place, "package.json"), JSON.stringify({ version }));
    }
    return root;
  };
  const refusal = async (root: string) => {
    const error = await findPonder(root).catch((thrown: unknown) => thrown as Error);
    expect(error).to.have.property("code", "INDEXER_MISSING");
    return (error as Error).message;
  };
  const command = `npm install ponder@${PONDER_VERSION}`;

  it("is named with the command that installs it beside a global package", async () => {
    const global = install({ "lib/node_modules/blockcloud": "0.1.0" });
    const message = await refusal(path.join(global, "lib/node_modules/blockcloud"));
    expect(message).to.match(new RegExp(`${command} --global$`));
  });

  it("is named with the command that installs it in the project that has the package", async () => {
    const project = install({
      ".": "1.0.0",
      "node_modules/blockcloud": "0.1.0",
      "node_modules/ponder": "0.17.7",
    });
    const message = await refusal(path.join(project, "node_modules/blockcloud"));
    expect(message.endsWith(`${command} --prefix ${project}`), message).to.equal(true);
  });

  it("is found beside a global package, with what npm puts into its own folder", async () => {
    const modules = "lib/node_modules";
    const machine = install({
      [`${modules}/blockcloud`]: "0.1.0",
      [`${modules}/ponder`]: PONDER_VERSION,
      [`${modules}/ponder/node_modules/viem`]: "2.57.20",
      [`${modules}/ponder/node_modules/hono`]: "4.13.19",
    });
    const { packages } = await findPonder(path.join(machine, modules, "blockcloud"));
    const real = realpathSync(machine);
    expect(Object.fromEntries(packages)).to.deep.equal({
      ponder: path.join(real, modules, "ponder"),
      viem: path.join(real, modules, "ponder/node_modules/viem"),
      hono: path.join(real, modules, "ponder/node_modules/hono"),
    });
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
