import { formatEther, type Address, type Hex } from "viem";
import { cashierCalls } from "../../chain/cashier/calls.ts";
import { readHoldings, type LivingTab } from "../../chain/cashier/tabs.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { readMoment } from "../../chain/views/contracts.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { NOTICE_S } from "../../protocol/voucher.ts";
import { text, toggle } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import type { Step } from "../framework/plan.ts";
import { sentJson } from "../framework/transactor.ts";
import { refine } from "../framework/values.ts";
import { duration } from "../framework/wait.ts";
import { utc } from "../show/format.ts";
import { payerKey } from "./flags.ts";

const tabOrNone = refine<Hex>(
  (given) => (/^0x[0-9a-f]{64}$/i.test(given) ? (given.toLowerCase() as Hex) : undefined),
  "Give a tab's ID: 0x and 64 hexadecimal digits.",
);

/** `blockcloud cashier close` */
export const cashierClose = transactCommand(
  {
    flags: {
      tab: text("--tab <id>", "the tab, as blockcloud cashier tabs lists it", tabOrNone, {}),
      all: toggle("--all", "all tabs of the account"),
    },
    signer: payerKey,
    examples: [
      `blockcloud cashier close --tab 0x${"5a".repeat(32)} \\\n--payer-key-file payer.key`,
      "blockcloud cashier close --all --payer-key-file payer.key",
    ],
    notes: `The first run announces that a tab closes: no more uses are paid from it, and its collector has a day to
redeem the vouchers that it holds. A run after that day closes the tab, and what was not paid is free again. A tab that
has expired needs no announcement: two days later it can be closed.`,
    async run({ flags, client, deployment, transactor, output, signal }) {
      const payer = transactor.account;
      const look = async () => {
        const { number: block, timestamp } = await readMoment(client, deployment);
        const { tabs } = await readHoldings(client, deployment, { payer, block }, { signal });
        return { tabs, timestamp };
      };
      let { tabs, timestamp } = await look();
      let chosen = flags.all ? tabs : [named(tabs, flags.tab ?? "0x", payer)];
      const gone: Hex[] = [];
      for (;;) {
        const { close, announce, wait } = sorted(chosen, timestamp);
        const texts = textsOf({ gone, close, announce, wait }, timestamp);
        const sent = { closed: [...gone, ...close.map(({ tab }) => tab)], payer };
        const closing = [...announce, ...wait].map(({ tab }) => tab);
        const returned = close.reduce(
          (sum, tab) => sum + tab.limit - tab.redeemed + tab.passed,
          0n,
        );
        if (close.length + announce.length === 0) {
          const text = texts.length === 0 ? `${payer} has no tab to close` : texts.join("\n");
          output.print({ ...sent, closing, returned, transactions: [] }, text);
          return undefined;
        }
        try {
          const steps = stepsOf(deployment, { close, announce });
          const done = await transactor.carryOut({ title: "close tabs", steps, outcome: texts });
          const transactions = sentJson(done);
          output.print({ ...sent, closing, returned, transactions }, texts.join("\n"));
          return undefined;
        } catch (error) {
          // The collector may have closed a tab meanwhile: then there is less to do.
          const isRevert = error instanceof BlockcloudError && error.code === "CALL_REVERTED";
          if (!isRevert) throw error;
          ({ tabs, timestamp } = await look());
          const isLeft = ({ tab }: LivingTab) => tabs.some((living) => living.tab === tab);
          const ended = chosen.filter((tab) => !isLeft(tab));
          if (ended.length === 0) throw error;
          gone.push(...ended.map(({ tab }) => tab));
          chosen = tabs.filter(({ tab }) => chosen.some((before) => before.tab === tab));
        }
      }
    },
  },
  {
    check: ({ values, found }, _, problems) => {
      if ((values.all === true) === (found.tab !== undefined))
        problems.add("--tab, --all: give one of the two.");
    },
  },
);

/** What can be done with tabs now. */
function sorted(tabs: readonly LivingTab[], now: number): Sorted {
  const isOver = ({ redeemableUntil }: LivingTab) => redeemableUntil < now;
  return {
    close: tabs.filter(isOver),
    announce: tabs.filter((tab) => !isOver(tab) && tab.state === "Open"),
    wait: tabs.filter((tab) => !isOver(tab) && tab.state === "Closing"),
  };
}

interface Sorted {
  close: readonly LivingTab[];
  announce: readonly LivingTab[];
  wait: readonly LivingTab[];
}

function stepsOf(
  deployment: Deployment,
  { close, announce }: Pick<Sorted, "close" | "announce">,
): Step[] {
  const calls = cashierCalls(deployment);
  return [
    ...close.map((tab) => ({ name: `close ${tab.tab}`, call: calls.closeTab(tab) })),
    ...announce.map((tab) => ({
      name: `announce that ${tab.tab} closes`,
      call: calls.announceClosing(tab),
    })),
  ];
}

/** What becomes of tabs. */
function textsOf(
  { gone, close, announce, wait }: Sorted & { gone: readonly Hex[] },
  now: number,
): string[] {
  const back = close.reduce((sum, tab) => sum + tab.limit - tab.redeemed + tab.passed, 0n);
  const left = Math.max(0, ...wait.map((tab) => tab.redeemableUntil + 1 - now));
  const isLast = close.length + announce.length === 0;
  return [
    ...(gone.length === 0 ? [] : [`closed meanwhile: ${tabsText(gone.length)}`]),
    ...(close.length === 0 ? [] : [`${formatEther(back)} BLOC are free again`]),
    ...(announce.length === 0
      ? []
      : [
          `${tabsText(announce.length)} can be closed after ${utc(now + NOTICE_S)} at the latest: run again then`,
        ]),
    ...(isLast && wait.length > 0
      ? [`${tabsText(wait.length)} can be closed in ${duration(left)}: run again then`]
      : []),
  ];
}

function tabsText(count: number): string {
  return count === 1 ? "1 tab" : `${count} tabs`;
}

function named(tabs: readonly LivingTab[], id: Hex, payer: Address): LivingTab {
  const found = tabs.find(({ tab }) => tab === id);
  if (found !== undefined) return found;
  throw new BlockcloudError("TAB_UNKNOWN", `${payer} has no open tab ${id} on chain.`, {
    remedy:
      "blockcloud cashier tabs lists them. A tab that no collector has opened ends by itself.",
  });
}
