import { expect } from "chai";
import { build } from "esbuild";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { createContext, runInContext } from "node:vm";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { encodeReceipt, httpChannel, ReceiptSigner, sha256 } from "../../src/protocol/receipt.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { examplesOf } from "../support/examples.ts";
import { InstalledPackage } from "../support/installed.ts";

const root = path.join(import.meta.dirname, "../..");
const tsc = path.join(root, "node_modules/typescript/bin/tsc");
/** Pages with examples in TypeScript. */
const pages = ["docs/client.md", "docs/resolver.md"];
const subpaths = ["", "/resolver", "/provider", "/auditor", "/x402", "/protocol"];

describe("the package, packed and installed in an empty folder", function () {
  // npm downloads what its cache has not.
  this.timeout(900_000);

  let user: InstalledPackage;
  before(() => {
    user = new InstalledPackage();
  });
  after(() => {
    user.remove();
  });

  it("holds what was built, the command, pages and units, and nothing to develop with", () => {
    const places = new Set(user.files().map((file) => file.split("/")[0]));
    expect([...places].sort()).to.deep.equal([
      ...["CHANGELOG.md", "LICENSE", "README.md", "bin", "deployments", "dist", "docs", "indexer"],
      ...["ops", "package.json"],
    ]);
    // Ponder compiles the index, so that one is source.
    const stray = user
      .files()
      .filter((file) => !file.startsWith("indexer/"))
      .filter((file) => /(?<!\.d)\.ts$|\.sol$|devnet/.test(file));
    expect(stray, "sources").to.deep.equal([]);
  });

  it("holds every file of the index that Ponder compiles, and the protocol's code that it imports", () => {
    const files = new Set(user.files());
    const parts = globSync(["indexer/ponder.*.ts", "indexer/{schema,src}/**/*.ts"], { cwd: root });
    expect(parts).to.include.members(["indexer/ponder.config.ts", "indexer/src/api/index.ts"]);
    const imported = parts.flatMap((file) => {
      const text = readFileSync(path.join(root, file), "utf8");
      return [...text.matchAll(/from "@protocol\/(.+)\.ts"/g)].map(([, name]) => name ?? "");
    });
    expect(imported).to.include("abi/cashier");
    const needed = [...parts, ...imported.map((name) => `dist/protocol/${name}.js`)];
    expect(needed.filter((file) => !files.has(file))).to.deep.equal([]);
  });

  it("brings neither compiler nor test chain with it", () => {
    const { code, stdout } = user.run("npm", "ls", "--all", "--parseable");
    expect(code).to.equal(0);
    const names = stdout
      .split("\n")
      .map((line) => line.split("node_modules/").pop() ?? "")
      .filter((name) => name !== "");
    expect(names).to.include.members(["blockcloud", "viem"]);
    const tools =
      /hardhat|ignition|foundry|solc|openzeppelin\/contracts|^(mocha|chai|typescript|esbuild|node)$/;
    expect(names.filter((name) => tools.test(name))).to.deep.equal([]);
  });

  for (const subpath of subpaths) {
    it(`is imported from JavaScript as blockcloud${subpath}`, () => {
      const script = `
        const parts = await import("blockcloud${subpath}");
        console.log(typeof parts.BlockcloudError, Object.values(parts).includes(undefined));`;
      const { code, stdout, stderr } = user.node("--input-type=module", "-e", script);
      expect(stderr).to.equal("");
      expect(stdout).to.equal("function false\n");
      expect(code).to.equal(0);
    });
  }

  it("exports nothing but its subpaths", () => {
    const script = `
      await import("blockcloud/dist/bin/blockcloud.js").catch(({ code }) => console.log(code));`;
    const { stdout } = user.node("--input-type=module", "-e", script);
    expect(stdout).to.equal("ERR_PACKAGE_PATH_NOT_EXPORTED\n");
  });

  for (const [resolution, module, libraries] of [
    ["nodenext", "nodenext", "too"],
    // The same declarations again: once is enough for what is in them.
    ["bundler", "esnext", "left out"],
  ] as const) {
    it(`type-checks in strict TypeScript, libraries ${libraries}, resolved as ${resolution}`, () => {
      const imports = subpaths.map(
        (subpath, index) => `import * as part${index} from "blockcloud${subpath}";`,
      );
      user.write(
        "own.ts",
        `${imports.join("\n")}
        import { decodeReceipt, type SignedReceipt } from "blockcloud/protocol";
        export const receipt: SignedReceipt = decodeReceipt("");
        // @ts-expect-error A receipt has no such field: types are there, and are not any.
        receipt.colour;
        export default [${subpaths.map((_, index) => `part${index}`).join(", ")}];`,
      );
      const examples = pages.flatMap(examplesOf).map(({ code }, index) => {
        user.write(`example${index}.ts`, `${code}\nexport {};\n`);
        return `example${index}.ts`;
      });
      expect(examples).not.to.have.length(0);
      const { code, stdout } = user.node(
        ...[tsc, "--strict", "--noEmit", "--target", "es2024"],
        ...["--skipLibCheck", String(libraries !== "too")],
        ...["--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"],
        ...["--module", module, "--moduleResolution", resolution, "own.ts", ...examples],
      );
      expect(stdout).to.equal("");
      expect(code).to.equal(0);
    });
  }

  it("has a command, which helps", () => {
    const { stdout, stderr } = user.run("npx", "--no", "--", "blockcloud", "provider", "--help");
    expect(stderr).to.equal("");
    expect(stdout).to.contain("Usage: blockcloud provider");
  });

  it("has a command, which says its version", () => {
    const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
      version: string;
    };
    const { stdout } = user.run("npx", "--no", "--", "blockcloud", "--version");
    expect(stdout.trim()).to.equal(version);
  });

  it("finds the deployments that come with it", () => {
    const { code, stderr } = user.run(
      ...(["npx", "--no", "--", "blockcloud"] as const),
      ...["service", "list", "--network", "nowhere", "--rpc", "http://127.0.0.1:9"],
    );
    expect(code).to.equal(2);
    const folder = path.join(user.folder, "node_modules/blockcloud/deployments");
    expect(stderr).to.contain("DEPLOYMENT_INVALID").and.to.contain(folder);
  });

  it("checks a receipt in a browser's bundle, where nothing of Node is", async () => {
    const { outputFiles, warnings, metafile } = await build({
      stdin: {
        contents:
          'import * as protocol from "blockcloud/protocol"; globalThis.protocol = protocol;',
        resolveDir: user.folder,
      },
      ...{ bundle: true, platform: "browser", format: "iife", target: "es2022" },
      ...{ write: false, metafile: true, logLevel: "silent" },
    });
    expect(warnings).to.deep.equal([]);
    const [code] = outputFiles;
    expect(Object.values(metafile.outputs).flatMap((output) => output.imports)).to.deep.equal([]);
    // What a browser has beyond the language itself, as far as the formats need it.
    const page = createContext({ TextEncoder, TextDecoder });
    runInContext(code?.text ?? "", page);

    const key = `0x${"17".repeat(32)}` as const;
    const domain = blockcloudDomain(1n, "0x00000000000000000000000000000000000000aa");
    const text = new TextEncoder();
    const channel = httpChannel({
      ...{ method: "POST", target: "/f\u00e9?q", requestDigest: sha256(text.encode("ask")) },
      ...{ status: 200, responseDigest: sha256(text.encode("answer")) },
    });
    const receipt = new ReceiptSigner(domain).sign(
      { serviceId: rootServiceId(7n), nonce: `0x${"ab".repeat(32)}`, channel, issuedAt: 1n },
      Buffer.from(key.slice(2), "hex"),
    );
    const header = encodeReceipt(receipt);
    Object.assign(page, { header, domain, key });
    const seen = runInContext(
      `(() => {
        const { decodeReceipt, encodeReceipt, httpChannel, ReceiptSigner, sha256 } = protocol;
        const bytes = (text) => new TextEncoder().encode(text);
        const receipt = decodeReceipt(header);
        const channel = httpChannel({
          method: "POST", target: "/f\\u00e9?q", requestDigest: sha256(bytes("ask")),
          status: 200, responseDigest: sha256(bytes("answer")),
        });
        const signer = new ReceiptSigner(domain);
        const secret = Uint8Array.from({ length: 32 }, () => 0x17);
        const own = encodeReceipt(signer.sign(receipt, secret));
        const nodes = ["process", "Buffer", "require"].filter((name) => name in globalThis);
        return JSON.stringify({ nodes, channel, own, signer: signer.recover(receipt) });
      })()`,
      page,
    ) as string;
    expect(JSON.parse(seen)).to.deep.equal({
      nodes: [],
      channel: receipt.channel,
      own: header,
      signer: addressOfKey(key),
    });
    expect(bytesToHex(sha256(text.encode("ask")))).to.have.length(66);
  });
});
