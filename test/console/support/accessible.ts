import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect } from "chai";
import type { Page } from "playwright-core";

/** What axe says of a page; its types belong to a browser's project. */
interface Finding {
  id: string;
  impact: string | null;
  nodes: { html: string }[];
}

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Expects that a page has no serious finding of axe, and fits into its window. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
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
