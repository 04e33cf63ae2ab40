import { expect } from "chai";
import { readFile } from "node:fs/promises";
import { startConsole, type ConsoleSite } from "../support/consoleRig.ts";
import { playStory, type ConsoleStory } from "../support/consoleStory.ts";
import { inBrowser, settled } from "../support/inBrowser.ts";
import { expectAccessible } from "./support/accessible.ts";
import { FakeIndex, rows, type IndexMood } from "../support/fakeIndex.ts";

const ADDRESS = `0x${"ab".repeat(20)}`;
const HASH = `0x${"cd".repeat(32)}`;
/** Texts that would run, hide, reorder or flood, if a page let them. */
const HOSTILE = {
  script: "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">",
  rightToLeft: "pay \u202Eelpmaxe.live\u202C now",
  homograph: "p\u0430yp\u0430l",
  invisible: "we\u200Bat\u2063her",
  long: "long".repeat(2_560),
  uri: "javascript:document.title='run'",
};

function service(number: number, texts: { label: string | null; metadata: string; uri: string }) {
  const { label, metadata, uri } = texts;
  return {
    number: String(number),
    serviceId: `0x${number.toString(16).padStart(16, "0")}${"0".repeat(48)}`,
    label,
    metadata,
    owner: ADDRESS,
    status: "Active",
    stake: "4000000000000000000000",
    rewards: "1000000000000000000",
    redeemed: "2000000000000000000",
    openChallenge: null,
    kind: {
      ...{ classId: 0, name: HOSTILE.rightToLeft, open: true },
      ...{ minimumStake: "1", maximumStake: "2", registrationFee: "3" },
      ...{ excellentMs: 600, goodMs: 1_500, poorMs: 3_500 },
    },
    announcement: { proven: true, expiresAt: "99999999999999", endpoints: [{ uri }] },
    rounds: rows([]),
  };
}

const EPOCH = {
  ...{ epoch: 1, seed: HASH, committed: 41, revealed: 40, claimed: 39, reported: 1 },
  ...{ votes: 400, paidVotes: 390, failed: 1, poor: 2, good: 3, excellent: 94 },
  ...{ auditorsPaid: "5000000000000000000", providersPaid: "6000000000000000000" },
  ...{ auditGas: "4000000", votesRevealed: 400 },
};

describe("the console beside an index, in Chromium", function () {
  this.timeout(300_000);
  const index = new FakeIndex();
  let story: ConsoleStory;
  let site: ConsoleSite;

  const browser = inBrowser(async ({ keep }) => {
    story = await playStory(HOSTILE.script);
    keep(story.chain);
    await index.start();
    keep(index);
    site = keep(await startConsole(story.chain.stage.devnet, { indexUrl: index.url }));
  });

  /** The index has read all but some blocks, or none at all. */
  const behind = async (blocks: number | undefined) => {
    const { number, timestamp } = await story.chain.client.getBlock();
    const { chainId, genesis } = story.chain.deployment;
    const indexed =
      blocks === undefined
        ? null
        : {
            block: Number(number) - blocks,
            time: Number(timestamp) - (blocks === 0 ? 0 : 90),
          };
    index.status = { state: "live", indexed, deployment: { chainId, genesis } };
  };
  const texts = [
    { label: HOSTILE.homograph, metadata: HOSTILE.script, uri: HOSTILE.uri },
    { label: HOSTILE.long, metadata: HOSTILE.long, uri: `https://${HOSTILE.long}` },
    { label: HOSTILE.script, metadata: HOSTILE.invisible, uri: HOSTILE.rightToLeft },
    { label: null, metadata: HOSTILE.rightToLeft, uri: "sal://192.0.2.1:1?relay" },
  ];
  const answers = {
    services: rows(texts.map((text, at) => service(at + 1, text))),
    epochs: rows([EPOCH]),
    network: { auditors: 41, poolPaid: "7000000000000000000", redeemed: "1", openChallenges: 0 },
    rounds: rows([]),
    challenges: rows([]),
    serviceDays: rows([
      {
        ...{ day: 20_000, rewards: "5000000000000000000", redeemed: "3000000000000000000" },
        ...{ redemptions: 7, collected: "2000000000000000000", fees: "20000000000000000" },
      },
    ]),
    serviceEvents: rows([
      {
        id: "1",
        kind: "metadata",
        since: null,
        time: "1",
        transaction: HASH,
        amount: null,
        detail: HOSTILE.script,
      },
    ]),
  };

  it("takes history from it, and says when it is behind and by how much", async () => {
    index.mood = "well";
    index.answers = answers;
    await behind(0);
    const { page, complaints } = await browser.open();
    await page.goto(site.url);
    await settled(page);
    await page.getByText("The index is current").waitFor();
    const text = await page.locator("main").innerText();
    expect(text).to.contain("94 / 3 / 2 / 1");
    expect(text).to.contain("41 auditors").and.to.contain("390 of 400");
    await behind(50);
    await page.getByText(/The index is 50 blocks \(1 min 30 s\) behind/).waitFor();
    await expectAccessible(page, "an index that is behind");
    expect(complaints).to.deep.equal([]);
  });

  it("says of nothing that it does not exist while the index catches up: it reads the chain", async () => {
    index.mood = "well";
    // What has no row yet: all of it.
    const none = ["services", "rounds", "challenges", "serviceDays", "serviceEvents", "epochs"];
    const more = ["auditors", "auditorRounds", "statementDays", "tabs", "accountMoves"];
    index.answers = {
      ...Object.fromEntries([...none, ...more].map((field) => [field, rows([])])),
      network: null,
    };
    const auditor = story.chain.auditors[0]!.owner;
    for (const blocks of [50, undefined]) {
      await behind(blocks);
      const { page, complaints } = await browser.open();
      for (const [at, expected] of [
        ["#/", "by a relay|weather"],
        ["#/services", "3 of 3 services"],
        ["#/services/3", "Fell in epoch"],
        ["#/services/1", "Sums by day need the index"],
        ["#/auditors", "13,000"],
        [`#/auditors/${auditor}`, "claimed"],
        [`#/money/${story.payer.address}`, "deposit"],
      ] as const) {
        await page.goto(site.url + at);
        await settled(page);
        await page.getByText("INDEX_BEHIND").first().waitFor();
        await page
          .getByText(/The index (is 50 blocks|has not read)/)
          .first()
          .waitFor();
        const text = await page.locator("main").innerText();
        expect(text, at).to.match(new RegExp(expected));
        const absent =
          /No service|No auditor has|No round of|has (deposited|earned|opened|redeemed|changed) no|not been audited|nothing in the three epochs|\bnot read$/m;
        expect(absent.exec(text)?.[0], at).to.equal(undefined);
      }
      await page.goto(`${site.url}#/services/1`);
      await settled(page);
      await expectAccessible(page, "a service beside an index that catches up");
      expect(complaints).to.deep.equal([]);
    }
  });

  for (const [mood, code] of [
    ["not JSON", "INDEX_WRONG"],
    ["other schema", "INDEX_WRONG"],
    ["failing", "INDEX_AWAY"],
    ["silent", "INDEX_SLOW"],
  ] as readonly [IndexMood, string][]) {
    it(`reads the chain, and says why, when it is ${mood}`, async () => {
      index.answers = {};
      index.mood = mood;
      const { page } = await browser.open();
      await page.goto(`${site.url}#/services`);
      await page.getByText("3 of 3 services").waitFor();
      expect(await page.locator("main").innerText())
        .to.contain(code)
        .and.to.contain("weather");
      await page.getByText(/The index fails/).waitFor();
      await expectAccessible(page, `an index that is ${mood}`);
    });
  }

  it("says how old the last word of an index is that goes away", async () => {
    index.mood = "well";
    index.answers = answers;
    await behind(0);
    const { page } = await browser.open();
    await page.goto(site.url);
    await page.getByText("The index is current").waitFor();
    index.mood = "failing";
    await page.getByText(/The index fails \(INDEX_\w+\); what it said is/).waitFor();
  });

  it("shows hostile texts as texts: no script, no link, nothing hidden, nothing that breaks the page", async () => {
    index.mood = "well";
    index.answers = answers;
    await behind(0);
    for (const width of [1440, 390]) {
      const { page, complaints } = await browser.open({ width });
      for (const at of ["#/services", "#/", "#/services/1"]) {
        await page.goto(site.url + at);
        await settled(page);
        expect(await page.title(), at).to.contain("Blockcloud");
        expect(await page.locator("main script, main img, main iframe").count()).to.equal(0);
        const links = await page.evaluate<string[]>(
          '[...document.querySelectorAll("main a")].map((link) => link.getAttribute("href"))',
        );
        for (const link of links) expect(link).to.match(/^#/);
        const wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        expect(wider, `${at} is wider than its window`).to.be.at.most(0);
        const text = await page.locator("body").innerText();
        expect(text, at).not.to.match(/[\u200B\u202A-\u202E\u2063\u2066-\u2069]/);
        expect(text.length, at).to.be.below(20_000);
        await expectAccessible(page, `hostile texts on ${at}`);
      }
      await page.goto(`${site.url}#/services`);
      await settled(page);
      const list = await page.locator("main").innerText();
      expect(list).to.contain("mixes Latin and Cyrillic letters that look alike");
      expect(list)
        .to.contain("not a valid label")
        .and.to.contain("<script>")
        .and.to.contain("\uFFFD");
      expect(complaints).to.deep.equal([]);
    }
  });

  it("shows what a service earned by day, and saves it", async () => {
    index.mood = "well";
    index.answers = answers;
    await behind(0);
    const { page } = await browser.open();
    await page.goto(`${site.url}#/services/1`);
    await page.getByText("2024-10-04").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save CSV" }).click(),
    ]);
    expect(await readFile(await download.path(), "utf8")).to.equal(
      "day,rewards_bloc,redeemed_bloc,redemptions,collected_bloc,fees_bloc\r\n2024-10-04,5,3,7,2,0.02\r\n",
    );
  });

  it("finds its way with a hostile address", async () => {
    const { page, complaints } = await browser.open();
    for (const at of [
      "#/services/<img>",
      "#/auditors/%00%ff",
      `#/money/${"9".repeat(5_000)}`,
      "#/__proto__",
      "#/%E0%A4",
    ]) {
      await page.goto(site.url + at);
      await page
        .locator("main")
        .getByText(/Not a|no such page|Money/)
        .first()
        .waitFor();
    }
    expect(complaints).to.deep.equal([]);
  });

  it("names each wrong field of config.json, and a chain that is another", async () => {
    const { devnet } = story.chain.stage;
    const { deployment } = devnet;
    for (const [config, expected] of [
      [{ rpc: "ftp://x", deployment }, /rpc[^]*CONFIG_INVALID/],
      [[], /CONFIG_INVALID/],
      [{ rpc: "./rpc", deployment: { ...deployment, abiHash: HASH } }, /CONFIG_OTHER_VERSION/],
      [{ rpc: "./rpc", deployment: { ...deployment, chainId: 5 } }, /CHAIN_OTHER/],
    ] as const) {
      const other = browser.keep(await startConsole(devnet, { config }));
      const { page } = await browser.open();
      await page.goto(other.url);
      const alert = page.getByRole("alert");
      await alert.waitFor();
      expect(await alert.innerText()).to.match(expected);
    }
  });
});
