import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Payer } from "../../src/sal/pay/payer.ts";
import { SalClient } from "../../src/sal/client/salClient.ts";
import { serve } from "../resolve/worker.ts";
import { createWallet } from "./cashierParts.ts";
import { requestOf } from "./feed.ts";
import { PatternCheck } from "./pattern.ts";
import { cpu } from "./processCpu.ts";
import { clientDependencies, FEED_PORT, fixedLocator, locatedAt } from "./service.ts";

/** A transfer over one flow. */
export interface PaidDownload {
  port: number;
  isPaid: boolean;
  bytes: number;
}

export interface PaidDownloaded {
  mibPerSecond: number;
  wrong: number;
  /** Vouchers that were sent. */
  payments: number;
}

serve({ download, cpu });

const clients = new Map<number, SalClient>();
let payments = 0;
let wallet: ReturnType<typeof createWallet> | undefined;

async function download({ port, isPaid, bytes }: PaidDownload): Promise<PaidDownloaded> {
  const client = clients.get(port) ?? createClient(port, isPaid);
  clients.set(port, client);
  const flow = await client.connect("bench", FEED_PORT);
  const check = new PatternCheck();
  payments = 0;
  const from = performance.now();
  const ended = once(flow, "end");
  flow.on("data", (chunk: Buffer) => {
    check.take(chunk);
  });
  flow.write(requestOf(bytes));
  await ended;
  const seconds = (performance.now() - from) / 1000;
  flow.end();
  await once(flow, "close");
  const wrong = check.wrong + bytes - check.received;
  return { mibPerSecond: bytes / 2 ** 20 / seconds, wrong, payments };
}

function createClient(port: number, isPaid: boolean): SalClient {
  const dependencies = clientDependencies(fixedLocator(locatedAt([port])));
  return new SalClient({}, isPaid ? { ...dependencies, payer: createPayer() } : dependencies);
}

function createPayer(): Payer {
  const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-bench-"));
  wallet ??= createWallet(path.join(folder, "wallet.sqlite"));
  return new Payer({
    wallet,
    observer: {
      spent: () => {
        payments += 1;
      },
    },
  });
}
