import { chromium, type Browser, type Page } from "playwright-core";
import { chromiumProgram, whyNoBrowser } from "./chromium.ts";
import { PATIENCE_MS } from "./until.ts";

/** A page of the browser, and all that its console complained about. */
export interface Watched {
  page: Page;
  /** Errors of scripts, and of the policy. */
  complaints: string[];
}

/** The browser of the tests of a `describe`, and the parts behind its pages. */
export interface BrowserRig {
  /** Stops a part after the tests, the newest part first. */
  keep<Part extends { stop(): unknown }>(part: Part): Part;
  /** Opens a page at a width, in light or dark. A page that a test opened is closed after it. */
  open(options?: { width?: number; colours?: "light" | "dark" }): Promise<Watched>;
}

/**
 * Opens a browser before the tests of a `describe`, and closes it after them; they are skipped without a browser.
 *
 * @param prepare Starts the parts behind the pages.
 */
export function inBrowser(prepare: (rig: BrowserRig) => Promise<void>): BrowserRig {
  const ends = new AsyncDisposableStack();
  let browser: Browser | undefined;
  /** Of the test that runs. */
  let opened: Page[] = [];
  const rig: BrowserRig = {
    keep: (part) =>
      ends.adopt(part, async () => {
        await part.stop();
      }),
    open: async ({ width = 1440, colours = "light" } = {}) => {
      if (browser === undefined) throw new Error("the browser opens before the tests");
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: colours,
        reducedMotion: "reduce",
      });
      const page = await context.newPage();
      opened.push(page);
      page.setDefaultTimeout(PATIENCE_MS);
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      return { page, complaints };
    },
  };

  before(async function () {
    const why = whyNoBrowser();
    if (why !== undefined) {
      console.log(`      skipped: ${why}`);
      this.skip();
    }
    browser = await launch();
    await prepare(rig);
  });
  beforeEach(() => {
    opened = [];
  });
  afterEach(async () => {
    for (const page of opened) await page.context().close();
  });
  after(async () => {
    await browser?.close();
    await ends.disposeAsync();
  });
  return rig;
}

async function launch(): Promise<Browser> {
  return await chromium.launch({
    executablePath: await chromiumProgram(),
    // Tests run as root in containers, where the sandbox cannot start; only the repository's own page is opened.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

/** Waits until a page of the console has read what it shows. */
export async function settled(page: Page): Promise<void> {
  await page.locator("main#main h1").first().waitFor();
  await page.locator("main#main:not(:has([aria-busy=true]))").waitFor();
}
