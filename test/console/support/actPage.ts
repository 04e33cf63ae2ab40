import { expect } from "chai";
import type { Page } from "playwright-core";

/** How often Tab is pressed before a control counts as out of reach. */
const MOST_TABS = 120;

/** The wallet's page, by the keyboard alone. */
export class ActPage {
  readonly page: Page;
  readonly #url: string;

  constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
  }

  /** Opens an act, with values for its form. */
  async open(act: string, values: Record<string, string> = {}): Promise<void> {
    const query = new URLSearchParams(values).toString();
    const hash = `#/acts/${act}${query === "" ? "" : `?${query}`}`;
    if (this.page.url().startsWith(this.#url)) {
      // By way of another page, so that the same act begins anew.
      await this.page.evaluate("location.hash = '#/acts'");
      await this.page.getByRole("heading", { name: "Wallet", level: 1 }).waitFor();
      await this.page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    } else await this.page.goto(`${this.#url}${hash}`);
    await this.page.locator("form.act").waitFor();
  }

  /** Presses Tab until a button or a field has the focus. */
  async tabTo(name: string): Promise<void> {
    for (let presses = 0; presses < MOST_TABS; presses++) {
      const focused = await this.page.evaluate(nameOfFocus);
      if (focused === name) return;
      await this.page.keyboard.press("Tab");
    }
    expect.fail(`the keyboard does not reach ${name}`);
  }

  /** Goes to a button when it is there, and presses it. */
  async press(name: string): Promise<void> {
    await this.page.getByRole("button", { name, exact: true }).waitFor();
    await this.tabTo(name);
    await this.page.keyboard.press("Enter");
  }

  /** Types into a field. */
  async type(label: string, text: string): Promise<void> {
    await this.tabTo(label);
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.type(text);
  }

  /** From the form to the end; a permit is signed where the page asks for it. Returns the last message. */
  async carryOut(): Promise<string> {
    await this.press("Check and show the cost");
    const permit = this.page.getByRole("button", { name: "Sign the permit", exact: true });
    const send = this.page.getByRole("button", { name: "Send the transaction", exact: true });
    await permit.or(send).or(this.page.locator(".notice-error")).first().waitFor();
    if (await permit.isVisible()) await this.press("Sign the permit");
    if (await this.page.locator(".act .notice-error").isVisible()) return this.failure();
    await this.press("Send the transaction");
    const end = this.page.locator(
      ".preview .notice-good, .act .notice-error, .preview .notice-warning",
    );
    await end.first().waitFor();
    return end.first().innerText();
  }

  /** The failure that the form shows. */
  async failure(): Promise<string> {
    const shown = this.page.locator(".act .notice-error").first();
    await shown.waitFor();
    return shown.innerText();
  }
}

/** Runs in the page: the label or the text of what has the focus. */
function nameOfFocus(): string {
  const { document } = globalThis as unknown as {
    document: {
      activeElement: {
        textContent: string | null;
        labels?: ArrayLike<{ textContent: string | null }> | null;
      } | null;
    };
  };
  const focused = document.activeElement;
  const label = focused?.labels?.[0]?.textContent;
  return (label ?? focused?.textContent ?? "").trim();
}
