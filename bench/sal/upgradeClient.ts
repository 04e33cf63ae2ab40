import { systemScheduler as clock } from "../../src/node/scheduler.ts";
import { DialRules } from "../../src/net/dialRules.ts";
import { ReceiptSigner } from "../../src/protocol/receipt.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { SalClient } from "../../src/sal/client/salClient.ts";
import { TlsTransport } from "../../src/sal/transport/tlsTransport.ts";
import { directPaths } from "../../src/sal/upgrade/directPaths.ts";
import { FakeLocator } from "../../test/sal/rig/fakeLocator.ts";
import { pattern } from "../../test/sal/rig/random.ts";
import { DOMAIN, KEY, SERVICE } from "../../test/sal/rig/salRig.ts";
import { MemoryLog } from "../../test/support/memoryLog.ts";
import { FEED, tell, type Order, type Round } from "../../test/support/namespaces/messages.ts";
import { GapMeter } from "./gap.ts";

/** Runs in a network namespace: sessions that begin at a relay, one after the other, each with a flow. */
const [setting = "{}"] = process.argv.slice(2);
const { rounds } = JSON.parse(setting) as { rounds: number };
/** The pieces that the provider writes. */
const PIECE = 8 * 1024;
/** Time for which gaps are looked for after a move, milliseconds. */
const AFTER_MS = 50;

async function round(at: string): Promise<void> {
  const locator = new FakeLocator({
    ...{ serviceId: SERVICE, key: addressOfKey(KEY), endpoints: [at] },
    ...{ issuedAt: 1, delegatedUntil: undefined },
  });
  const rules = new DialRules({ allowLoopback: false });
  const paths = directPaths({ triesPerMinute: 1_000 }, { clock, rules });
  if (paths === undefined) throw new Error("no direct paths");
  const meter = new GapMeter();
  // The punch may begin before the first byte.
  meter.heard();
  const over = Promise.withResolvers<Pick<Round, "path" | "why" | "punchMs">>();
  let began = NaN;
  let gap: Promise<number> = Promise.resolve(NaN);
  const client = new SalClient(
    {},
    {
      ...{ clock, locator, domain: DOMAIN, log: new MemoryLog(), now: Date.now },
      transport: new TlsTransport(rules),
      receipts: new ReceiptSigner(DOMAIN),
      direct: {
        ...paths,
        punch: (localPort, rttMs) => {
          // PUNCH has just been sent.
          began = performance.now();
          gap = meter.during();
          return paths.punch(localPort, rttMs);
        },
      },
      observer: {
        moved: ({ path }) => {
          over.resolve({ path, punchMs: performance.now() - began });
        },
        staysRelayed: ({ why }) => {
          over.resolve({ path: "relay", why, punchMs: performance.now() - began });
        },
      },
    },
  );
  const flow = await client.connect("weather", FEED);
  flow.on("error", () => {});
  let bytes = 0;
  let wrong = 0;
  let piece: Buffer = Buffer.alloc(0);
  flow.on("data", (chunk: Buffer) => {
    meter.heard();
    for (const byte of chunk) {
      const offset = bytes % PIECE;
      if (offset === 0) piece = pattern(bytes, PIECE);
      if (piece[offset] !== byte) wrong += 1;
      bytes += 1;
    }
  });
  const { path, why, punchMs } = await over.promise;
  await passed(AFTER_MS);
  meter.over();
  const gapMs = await gap;
  const quiet = meter.during();
  await passed(Math.min(500, punchMs) + AFTER_MS);
  meter.over();
  const quietMs = await quiet;
  tell({ round: { path, why, punchMs, gapMs, quietMs, wrong } });
  flow.destroy();
  client.close();
}

function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function all(at: string): Promise<void> {
  for (let left = rounds; left > 0; left -= 1) await round(at);
}

process.once("disconnect", () => process.exit());
process.on("message", (order: Order) => {
  if (!("at" in order)) return;
  all(order.at).catch((error: unknown) => {
    tell({ failed: String(error) });
  });
});
tell({ ready: true });
