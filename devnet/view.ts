import { formatEther } from "viem";
import type { DemoDownload } from "./download.ts";
import type { DemoMove } from "./move.ts";
import type { DemoRelayLoss } from "./relays.ts";
import type { DemoPaying, PayingNow } from "./paying.ts";
import type { Verdict } from "../src/protocol/tally.ts";

/** The data of the live view, all read from the chain. */
export interface Picture {
  rpcUrl: string;
  epoch: number;
  /** Seconds into the epoch. */
  seconds: number;
  epochSeconds: number;
  phase: string;
  waitingFor: string;
  services: {
    number: bigint;
    name: string;
    className: string;
    /** That counts in this epoch, BLOC in wei. */
    stake: bigint;
    /** Verdicts of the last final epochs, oldest first. */
    verdicts: Verdict[];
    reward: bigint;
  }[];
  /** The pay of each service for settled epochs. */
  settled: { epoch: number; number: bigint; name: string; verdict: Verdict; reward: bigint }[];
  /** The pay of each auditor for claimed epochs. */
  claimed: { epoch: number; address: string; paidVotes: number; votes: number; reward: bigint }[];
  auditors: {
    address: string;
    /** That counts in this epoch, BLOC in wei. */
    stake: bigint;
    rounds: number;
    paidVotes: number;
    votes: number;
    reward: bigint;
  }[];
  gasPerAudit: number | undefined;
  /** The addresses of the resolver's fronts. */
  resolver: { http: string; dns: string };
  /** The file that a second terminal reads. */
  environment: string;
  /** The address of the console's page, if it runs. */
  console: string | undefined;
  move: DemoMove | undefined;
  download: DemoDownload | undefined;
  relayLoss: DemoRelayLoss | undefined;
  paying: PayingNow | undefined;
  /** What the faulty service does to its callers now. */
  faulty: { number: bigint; does: string };
}

const letters = ["F", "P", "G", "E"] as const;
const words = ["failed", "poor", "good", "excellent"] as const;

/** The live view as lines of text. */
export function render(picture: Picture): string[] {
  const { epoch, seconds, epochSeconds, phase } = picture;
  const services = picture.services.map((service) => [
    service.number.toString(),
    service.name,
    service.className,
    formatEther(service.stake),
    service.verdicts.map((verdict) => (verdict === null ? "-" : letters[verdict])).join(" "),
    bloc(service.reward),
  ]);
  const auditors = picture.auditors.map((auditor) => [
    short(auditor.address),
    formatEther(auditor.stake),
    auditor.rounds.toString(),
    `${auditor.paidVotes}/${auditor.votes}`,
    bloc(auditor.reward),
  ]);
  return [
    `Blockcloud on an embedded chain, ${picture.rpcUrl}`,
    ...(picture.console === undefined ? [] : [`the console is at ${picture.console}`]),
    `epoch ${epoch}, second ${seconds.toFixed(0)} of ${epochSeconds}: ${phase}`,
    "",
    ...table(
      ["service", "name", "class", "stake", "last verdicts", "BLOC earned"],
      services,
      [0, 3, 5],
    ),
    "",
    ...table(["auditor", "stake", "rounds", "paid votes", "BLOC earned"], auditors, [1, 2, 3, 4]),
    "",
    `resolver: ${picture.resolver.http}, DNS on ${picture.resolver.dns}`,
    moveLine(picture.move),
    downloadLine(picture.download),
    relayLine(picture.relayLoss),
    ...userLines(picture.paying),
    `service ${picture.faulty.number} is ${picture.faulty.does}`,
    "E excellent, G good, P poor, F failed, - no quorum; " +
      `gas an audit: ${picture.gasPerAudit ?? "no vote yet"}`,
    `second terminal: . ${picture.environment}; then README, "First five minutes"`,
    `waiting for ${picture.waitingFor}; Ctrl-C stops`,
  ];
}

/** The pay of services and auditors so far, one line per epoch. */
export function renderEarnings({ settled, claimed }: Picture): string[] {
  return [
    ...settled.map(({ epoch, number, name, verdict, reward }) => {
      const word = verdict === null ? "no quorum" : words[verdict];
      return `epoch ${epoch}: service ${number} (${name}), ${word}, earned ${bloc(reward)} BLOC`;
    }),
    ...claimed.map(
      ({ epoch, address, paidVotes, votes, reward }) =>
        `epoch ${epoch}: auditor ${short(address)}, ${paidVotes} of ${votes} votes paid, ` +
        `earned ${bloc(reward)} BLOC`,
    ),
  ];
}

function short(address: string): string {
  return `${address.slice(0, 6)}..${address.slice(-4)}`;
}

/** The download during the move as text: figures first, in 80 columns. */
export function downloadLine(download: DemoDownload | undefined): string {
  if (download === undefined) return "a download through the local proxy goes on meanwhile";
  const { gapMs, replacedMs } = download;
  const replaced = replacedMs === undefined ? "" : `, ${replacedMs} ms by the new process`;
  return `download: ${gapMs} ms gap by the move${replaced}, ${amountOf(download)}`;
}

/** The loss of a relay as text. */
export function relayLine(loss: DemoRelayLoss | undefined): string {
  if (loss === undefined) return "service 3 is behind two relays; one is killed under a download";
  const { killed, gapMs, to } = loss;
  return `relay killed: ${gapMs} ms gap, ${amountOf(loss)}, ${killed} to ${hostOf(to)}`;
}

/** What came, and whether it is what was sent, by its SHA-256. */
function amountOf({ bytes, isWhole }: DemoDownload): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB ${isWhole ? "as sent" : "NOT as sent"}`;
}

function hostOf(endpoint: string): string {
  return new URL(endpoint).host;
}

/** The user that pays, as text. */
function userLines(paying: PayingNow | undefined): string[] {
  if (paying === undefined) return ["a user pays for service 1"];
  const { payer, service, requests, deposited, paid, paidOut, contributed, burned } = paying;
  return [
    `user ${short(payer)} has ${bloc(deposited - paid)} of ${bloc(deposited)} BLOC after ${requests} requests`,
    `service ${service} got ${bloc(paidOut)}, the auditors' budgets ${bloc(contributed)}, ${bloc(burned)} burned`,
  ];
}

/** What a user has paid in the end, as text. */
export function payingLine(paying: DemoPaying): string {
  const { payer, service, requests, deposited, redeemed, left, paidOut, compared } = paying;
  const failed = paying.failures === 0 ? "" : ` (${paying.failures} more failed)`;
  const amount = (text: string) => bloc(BigInt(text));
  const sum =
    paying.differences.length === 0
      ? `${compared} figures add up to the last wei`
      : `${paying.differences.length} of ${compared} figures DIFFER`;
  return (
    `user ${short(payer)} paid ${amount(redeemed)} of ${amount(deposited)} BLOC for ${requests} requests${failed} and the ` +
    `download, and has ${amount(left)}; service ${service} got ${amount(paidOut)}, ` +
    `the auditors' budgets ${amount(paying.contributed)}, ${amount(paying.burned)} burned: ${sum}`
  );
}

/** The result of the move as text. */
export function moveLine(move: DemoMove | undefined): string {
  if (move === undefined) return "service 1 moves in the first audited epoch";
  const { service, from, to, milliseconds, announcements } = move;
  return (
    `move of service ${service}: ${milliseconds} ms, ${announcements} transactions, ` +
    `${hostOf(from)} to ${hostOf(to)}`
  );
}

/** BLOC with two decimals, rounded down. */
export function bloc(wei: bigint): string {
  const cents = (wei / 10n ** 16n).toString().padStart(3, "0");
  return `${cents.slice(0, -2)}.${cents.slice(-2)}`;
}

function table(head: string[], rows: string[][], right: number[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** The output of a screen: a terminal, or another stream. */
export type Output = NodeJS.WritableStream & { readonly columns?: number; readonly rows?: number };

/** Breaks a line between words, so that no figure is cut. */
function wrap(line: string, columns = Infinity): string[] {
  const width = Math.max(columns, 8);
  const rows: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    // A word that is longer than a row is broken.
    const end = rest.slice(0, space).trim() === "" ? width : space;
    rows.push(rest.slice(0, end).trimEnd());
    rest = `  ${rest.slice(end).trimStart()}`;
  }
  return [...rows, rest];
}

/** As many lines as a terminal shows at once: a taller picture could not be redrawn in place. */
function fit(lines: readonly string[], { rows, columns }: Output): string[] {
  const room = Math.max(1, (rows ?? Infinity) - 1);
  const all = lines.flatMap((line) => wrap(line, columns));
  if (all.length <= room) return all;
  const dense = lines.filter((line) => line !== "");
  const body = dense.slice(0, -1).flatMap((line) => wrap(line, columns));
  const last = wrap(dense.at(-1) ?? "", columns).slice(0, room);
  const free = room - last.length;
  if (body.length <= free) return [...body, ...last];
  if (free < 2) return last;
  const kept = body.slice(0, free - 1);
  const more = `${body.length - kept.length} more lines in a taller terminal`;
  return [...kept, more.slice(0, columns), ...last];
}

/**
 * Writes the view: redrawn in place on a terminal; elsewhere one line when the phase changes, and one for the pay of
 * each service and auditor for an epoch.
 */
export class Screen {
  readonly #stream: Output;
  readonly #live: boolean;
  #lines = 0;
  #picture: readonly string[] = [];
  #last = "";
  readonly #earnings = new Set<string>();

  constructor(stream: Output, live: boolean) {
    this.#stream = stream;
    this.#live = live;
  }

  /** Shows the view. */
  show(picture: Picture): void {
    if (!this.#live) {
      for (const line of renderEarnings(picture)) {
        if (this.#earnings.has(line)) continue;
        this.#earnings.add(line);
        this.say(line);
      }
      this.say(`epoch ${picture.epoch}, ${picture.phase}; waiting for ${picture.waitingFor}`);
      return;
    }
    this.#picture = fit(render(picture), this.#stream);
    this.#draw();
  }

  /** Writes a line that stays, above the picture. */
  note(line: string): void {
    if (this.#lines === 0) {
      this.say(line);
      return;
    }
    // The terminal breaks a long one: it stays, and is never drawn again.
    this.#stream.write(`${this.#up()}\x1b[J${line}\n`);
    this.#lines = 0;
    this.#draw();
  }

  #draw(): void {
    const lines = this.#picture;
    this.#stream.write(`${this.#up()}${lines.join("\x1b[K\n")}\x1b[K\n\x1b[J`);
    this.#lines = lines.length;
  }

  /** Writes a permanent line below the view. */
  say(line: string): void {
    if (line === this.#last) return;
    this.#last = line;
    this.#stream.write(`${line}\n`);
    this.#lines = 0;
  }

  #up(): string {
    return this.#live && this.#lines > 0 ? `\x1b[${this.#lines}F` : "";
  }
}
