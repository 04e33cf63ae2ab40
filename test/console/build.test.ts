import { expect } from "chai";
import { gzipSync } from "node:zlib";
import type { PageFile } from "../../src/console/pageFiles.ts";
import { pageFiles } from "../support/consoleRig.ts";

/** Largest sum of all scripts, compressed, bytes. */
const MOST = 300 * 1024;

describe("the console's build", function () {
  this.timeout(120_000);
  let files: ReadonlyMap<string, PageFile>;
  const named = (ending: string) => [...files].filter(([name]) => name.endsWith(ending));

  before(async () => {
    files = await pageFiles();
  });

  it("has less than 300 KB of compressed script, all pages together", () => {
    const sizes = named(".js").map(([name, { plain }]) => [name, gzipSync(plain).length] as const);
    const sum = sizes.reduce((total, [, size]) => total + size, 0);
    console.log(`      ${sizes.length} scripts, ${(sum / 1024).toFixed(0)} KiB in gzip`);
    expect(sizes).not.to.be.empty;
    expect(sum, JSON.stringify(sizes)).to.be.below(MOST);
  });

  it("has nothing inline and nothing from elsewhere in its document", () => {
    const html = files.get("/index.html")!.plain.toString();
    expect(html).not.to.match(/<style|style=|\son\w+=|javascript:/i);
    for (const [, tag = "", text = ""] of html.matchAll(/<script([^>]*)>([^<]*)</g)) {
      expect(text.trim()).to.equal("");
      expect(tag).to.match(/src="\.\//);
    }
    const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link]) => link);
    expect(links).not.to.be.empty;
    for (const link of links) expect(link).to.match(/^\.\//);
  });

  it("loads fonts, pictures and styles from its own folder only", () => {
    for (const [name, { plain }] of named(".css")) {
      expect(plain.toString(), name).not.to.match(/url\((?!["']?\.{0,2}\/)|@import/);
    }
  });

  it("has names that change with the content, so that browsers keep the parts", () => {
    const assets = [...files].filter(([name]) => name.startsWith("/assets/"));
    expect(assets).not.to.be.empty;
    for (const [name, { isImmutable }] of assets) {
      expect(name).to.match(/-[\w-]{8}\.\w+$/);
      expect(isImmutable).to.equal(true);
    }
    expect(files.get("/")?.isImmutable).to.equal(false);
  });
});
