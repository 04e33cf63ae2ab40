import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { expect } from "chai";
import type { Page } from "playwright-core";

/** What axe says of a page; its types belong to a browser's project. */
interface Finding {
  id: string;
  impact: string | null;
  nodes: { html: string }[];
}

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Where pictures of the pages are kept for people to look at; without it there are none. */
const SHOTS = process.env.BLOCKCLOUD_SHOTS;

/** Keeps a picture of a page, named by its width, its colours and what it shows. */
async function keepPicture(page: Page, what: string): Promise<void> {
  if (SHOTS === undefined) return;
  const dark = await page.evaluate<boolean>("matchMedia('(prefers-color-scheme: dark)').matches");
  const width = page.viewportSize()?.width ?? 0;
  const name = `${what.replaceAll(/\W+/g, "-")}.${width}.${dark ? "dark" : "light"}.png`;
  await page.screenshot({ path: path.join(SHOTS, name), fullPage: true });
}

/** Expects that a page has no serious finding of axe, and fits into its window. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  await keepPicture(page, what);
  const wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
  expect(wider, `${what} is wider than its window`).to.be.at.most(0);
  await page.evaluate(await readFile(axe, "utf8"));
  const { violations } = await page.evaluate<{ violations: Finding[] }>("axe.run()");
  const serious = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html }) => html)
          .join(" ")
          .slice(0, 300)}`,
    );
  expect(serious, what).to.deep.equal([]);
}
