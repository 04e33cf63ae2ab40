import type { Head } from "./rpcFront.ts";

export type IndexState = "starting" | "backfill" | "live" | "failing" | "stopped";

/** What `GET /v1/status` says. */
export interface IndexStatus {
  state: IndexState;
  /** Share of the blocks up to the head that are indexed, 0 to 1. */
  progress: number;
  head: Head | null;
  indexed: Head | null;
  behindBlocks: number | null;
  behindSeconds: number | null;
  /** How long ago the head was asked for. */
  checkedSecondsAgo: number | null;
}
