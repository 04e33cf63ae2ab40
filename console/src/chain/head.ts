import { epochAt, epochStart } from "@protocol/epoch.ts";
import type { Deployment } from "../config.ts";
import type { ChainClient } from "./client.ts";

/** The newest block that the endpoint knows, and when the page saw it. */
export interface Head {
  number: bigint;
  /** Unix seconds of the block. */
  timestamp: number;
  epoch: number;
  /** `performance.now()` when it arrived. */
  seenAt: number;
}

/** Reads the newest block. */
export async function readHead(client: ChainClient, deployment: Deployment): Promise<Head> {
  const { number, timestamp } = await client.getBlock();
  const seconds = Number(timestamp);
  return {
    number,
    timestamp: seconds,
    epoch: epochAt(deployment, seconds),
    seenAt: performance.now(),
  };
}

/** The chain's time now: that of the newest block, and what has passed since. */
export function chainTime(head: Head, now: number): number {
  return head.timestamp + (now - head.seenAt) / 1000;
}

/** What the protocol does at a moment of an epoch. */
export interface Phase {
  epoch: number;
  /** Share of the epoch that is over, 0 to 1. */
  share: number;
  /** Seconds until the next epoch. */
  left: number;
}

/** The phase at the chain's time; the head may be older than the epoch. */
export function phaseAt(deployment: Deployment, seconds: number): Phase {
  const epoch = Math.max(0, epochAt(deployment, seconds));
  const into = seconds - epochStart(deployment, epoch);
  return {
    epoch,
    share: Math.min(1, Math.max(0, into / deployment.epochSeconds)),
    left: Math.max(0, deployment.epochSeconds - into),
  };
}
