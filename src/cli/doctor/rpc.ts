import { createChainClient, type ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { duration } from "../framework/wait.ts";
import { examine, ill, well, type CheckResult } from "./check.ts";

/** Age of the newest block above which the chain counts as halted, seconds. */
const STALE_S = 120;
/** Maximum lag of an endpoint behind the best one, blocks. */
const MAX_LAG = 5n;
/** Maximum lag of the host's clock behind the newest block, seconds. */
const MAX_SKEW_S = 5;

interface Head {
  readonly number: bigint;
  readonly timestamp: number;
}

/** Checks each endpoint, and the host's clock against the newest block of all endpoints. */
export async function examineRpc(
  urls: readonly string[],
  deployment: Deployment,
  now: number,
): Promise<readonly CheckResult[]> {
  const heads = new Map<number, Head>();
  const each = await Promise.all(
    urls.map((url, index) =>
      examine(
        `rpc ${index + 1}`,
        "Check its URL and that it runs, or name another endpoint.",
        async () => {
          const client = createChainClient([url], deployment.chainId);
          const head = await headOf(client);
          heads.set(index, head);
          await client.request({ method: "eth_feeHistory", params: ["0x1", "latest", []] });
          await firstLogs(client, deployment);
          const age = Math.max(0, Math.round(now - head.timestamp));
          return age > STALE_S
            ? ill(
                `rpc ${index + 1}`,
                `block ${head.number} is ${duration(age)} old`,
                "The endpoint or the chain stands still: name another endpoint.",
              )
            : well(
                `rpc ${index + 1}`,
                `chain ${deployment.chainId}, block ${head.number}, ${age} s old`,
              );
        },
      ),
    ),
  );
  const best = [...heads.values()].reduce<Head | undefined>(
    (newest, head) => (newest === undefined || head.number > newest.number ? head : newest),
    undefined,
  );
  if (best === undefined) return each.flat();
  return [...each.flat(), ...lags(heads, best), clock(best, now)];
}

/** The client itself refuses an endpoint of another chain. */
async function headOf(client: ChainClient): Promise<Head> {
  const { number, timestamp } = await client.getBlock();
  return { number, timestamp: Number(timestamp) };
}

/** Workers read events from the deployment's first block on. */
async function firstLogs(client: ChainClient, deployment: Deployment): Promise<void> {
  const block = BigInt(deployment.block);
  try {
    await client.getLogs({
      address: deployment.contracts.registry,
      fromBlock: block,
      toBlock: block,
    });
  } catch (cause) {
    throw new BlockcloudError("LOGS_MISSING", `It has no logs of block ${block}.`, {
      cause,
      remedy: "Name an endpoint that serves logs since the deployment.",
    });
  }
}

function lags(heads: ReadonlyMap<number, Head>, best: Head): CheckResult[] {
  return [...heads]
    .filter(([, head]) => best.number - head.number > MAX_LAG)
    .map(([index, head]) =>
      ill(
        `rpc ${index + 1} lag`,
        `${best.number - head.number} blocks behind the best`,
        "It is used only when the others fail: name it last, or replace it.",
      ),
    );
}

function clock(best: Head, now: number): CheckResult {
  const behind = best.timestamp - now;
  return behind > MAX_SKEW_S
    ? ill(
        "clock",
        `${duration(behind)} behind the newest block`,
        "Synchronize the host's clock by NTP: receipts carry its time.",
      )
    : well("clock", "not behind the newest block");
}
