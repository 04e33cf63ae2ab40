import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { FreeAllowance } from "../../src/cashier/allowance.ts";
import type { Pricing } from "../../src/sal/pay/till.ts";
import { serve } from "../resolve/worker.ts";
import { createCollector } from "./cashierParts.ts";
import { feed } from "./feed.ts";
import { cpu } from "./processCpu.ts";
import { createHandledProvider, FEED_PORT } from "./service.ts";

/** The same source without a price and with one, in one process: only one is used at a time. */
serve({ unpaid, paid, cpu });

function unpaid(): Promise<number> {
  return listening();
}

/** @param maxTrancheBytes The largest tranche; undefined: the default. */
function paid(maxTrancheBytes: number | undefined): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-bench-"));
  const collector = createCollector(path.join(folder, "collector.sqlite"));
  const limits = maxTrancheBytes === undefined ? {} : { maxTrancheBytes };
  const allowance = new FreeAllowance({ bytes: 0, requests: 0 }, () => 1);
  return listening({ collector, allowance, limits });
}

async function listening(pricing?: Pricing): Promise<number> {
  const source = (flow: Parameters<typeof feed>[0]) => {
    feed(flow);
    return Promise.resolve();
  };
  const { acceptor } = createHandledProvider(new Map([[FEED_PORT, source]]), pricing);
  const server = createServer((socket) => {
    acceptor.accept(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
