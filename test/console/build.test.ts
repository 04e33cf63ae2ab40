import { expect } from "chai";
import { gzipSync } from "node:zlib";
import type { PageFile } from "../../src/console/pageFiles.ts";
import { pageFiles } from "../support/consoleRig.ts";

/** Most script that a page may load, compressed, bytes. */
const MOST = 300_000;

describe("the console's build", function () {
  this.timeout(120_000);
  let files: ReadonlyMap<string, PageFile>;
  const named = (ending: string) => [...files].filter(([name]) => name.endsWith(ending));

  before(async () => {
    files = await pageFiles();
  });

  it("loads less than 300 KB of compressed script, whichever page is opened", () => {
    const text = (name: string) => files.get(name)?.plain.toString() ?? "";
    /** A script with all that it imports at once, and with its worker. */
    const closure = (name: string, found = new Set<string>()): Set<string> => {
      if (found.has(name)) return found;
      found.add(name);
      const at = new URL(`http://page${name}`);
      for (const [, imported = ""] of text(name).matchAll(
        /(?:from|import)\s*["`](\.\/[\w.-]+\.js)["`]/g,
      )) {
        closure(new URL(imported, at).pathname, found);
      }
      for (const [worker = ""] of text(name).matchAll(/\bworker-[\w-]+\.js/g)) {
        closure(new URL(worker, at).pathname, found);
      }
      return found;
    };
    const size = (names: Iterable<string>) =>
      [...names].reduce((sum, name) => sum + gzipSync(text(name)).length, 0);
    const [, entry = ""] = /<script[^>]*src="\.([^"]+)"/.exec(text("/index.html")) ?? [];
    const start = closure(entry);
    expect(size(start)).to.be.above(50_000);
    const lazy = [
      ...text(entry).matchAll(/import\("\.\/([\w.-]+\.js)"\)|import\(`\.\/([\w.-]+\.js)`\)/g),
    ].map(([, plain, quoted]) => `/assets/${plain ?? quoted ?? ""}`);
    expect(lazy.length).to.be.at.least(4);
    const sizes = lazy.map((page) => [page, size(closure(page, new Set(start)))] as const);
    const all = size(named(".js").map(([name]) => name));
    const largest = Math.max(...sizes.map(([, each]) => each));
    console.log(
      `      at the start ${size(start)}, with the largest page ${largest}, all scripts ${all} bytes in gzip`,
    );
    for (const [page, each] of sizes) expect(each, page).to.be.below(MOST);
    expect(all, "all pages together").to.be.below(MOST);
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
