import { isAddress } from "viem";
import { BlockcloudError } from "../../../src/protocol/errors.ts";

/** What a figure is about. */
export interface About {
  /** For example "tally" or "pay of a service". */
  what: string;
  epoch?: number;
  /** The service, the auditor or the contract. */
  party?: string;
}

/** A figure of which the recount and the contracts do not say the same. */
export interface Difference extends About {
  /** By the recount. */
  expected: string;
  /** By the contracts, as the node tells it. */
  found: string;
}

/** A figure that could not be compared, and why. */
export interface Skipped extends About {
  why: string;
}

/** Differences and omissions that are kept; the rest is counted. */
const KEPT = 200;

/** Compares figures and collects those that differ. */
export class Figures {
  readonly differences: Difference[] = [];
  readonly skipped: Skipped[] = [];
  /** How many figures of each kind were compared. */
  readonly kinds = new Map<string, number>();
  compared = 0;
  differing = 0;
  omitted = 0;

  /** Compares a figure. Returns whether both say the same. */
  check(about: About, expected: unknown, found: unknown): boolean {
    this.compared += 1;
    this.kinds.set(about.what, (this.kinds.get(about.what) ?? 0) + 1);
    const [wanted, had] = [plain(expected), plain(found)];
    if (wanted === had) return true;
    this.differing += 1;
    if (this.differences.length < KEPT) {
      this.differences.push({ ...about, expected: wanted, found: had });
    }
    return false;
  }

  /** Notes a figure that cannot be compared. */
  skip(about: About, why: string): void {
    this.omitted += 1;
    if (this.skipped.length < KEPT) this.skipped.push({ ...about, why });
  }
}

/** Compares by views; if the node no longer has the state of their block, the result says so. */
export async function whileKnown(
  figures: Figures,
  about: About,
  compare: () => Promise<void>,
): Promise<void> {
  try {
    await compare();
  } catch (error) {
    if (!(error instanceof BlockcloudError) || error.code !== "RPC_REFUSED") throw error;
    figures.skip(about, "the node does not have the state of the time");
  }
}

/** As text: hex in one case, numbers of any width alike. */
function plain(value: unknown): string {
  if (typeof value === "string")
    return isAddress(value, { strict: false }) ? value.toLowerCase() : value;
  if (Array.isArray(value)) return value.map(plain).join(", ");
  return String(value);
}
