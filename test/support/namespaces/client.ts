import { createHash } from "node:crypto";
import { DialRules } from "../../../src/net/dialRules.ts";
import { systemScheduler as clock } from "../../../src/node/scheduler.ts";
import { ReceiptSigner } from "../../../src/protocol/receipt.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { SalClient } from "../../../src/sal/client/salClient.ts";
import { TlsTransport } from "../../../src/sal/transport/tlsTransport.ts";
import { directPaths } from "../../../src/sal/upgrade/directPaths.ts";
import type { DirectSettings } from "../../../src/sal/upgrade/settings.ts";
import { FakeLocator } from "../../sal/rig/fakeLocator.ts";
import { DOMAIN, KEY, SERVICE } from "../../sal/rig/salRig.ts";
import { MemoryLog } from "../memoryLog.ts";
import { FEED, tell, type Order } from "./messages.ts";

/** How often the client tells what it has, bytes. */
const STEP = 100_000;
/** Time around a move in which its gap is looked for, milliseconds. */
const AROUND_MS = 200;

const [setting = "{}"] = process.argv.slice(2);
const settings = JSON.parse(setting) as DirectSettings;

/** When pieces came, and the pause before each. */
let pauses: { at: number; ms: number }[] = [];
let punchedAt: number | undefined;
const rules = new DialRules({ allowLoopback: false });
const paths = directPaths(settings, { clock, rules });
const sincePunch = () => punchedAt && performance.now() - punchedAt;
const locator = new FakeLocator({
  ...{ serviceId: SERVICE, key: addressOfKey(KEY), endpoints: [] },
  ...{ issuedAt: 1, delegatedUntil: undefined },
});
const log = new MemoryLog();
const client = new SalClient(
  {},
  {
    ...{ clock, locator, domain: DOMAIN, log, now: Date.now },
    transport: new TlsTransport(rules),
    receipts: new ReceiptSigner(DOMAIN),
    ...(paths !== undefined && {
      direct: {
        ...paths,
        punch: (...args) => {
          punchedAt = performance.now() - args[1] / 2;
          return paths.punch(...args);
        },
      },
    }),
    observer: {
      moved: ({ reason, path, gapMs }) => {
        const punchMs = sincePunch();
        punchedAt = undefined;
        const movedAt = performance.now();
        setTimeout(() => {
          const near = pauses.filter(
            ({ at, ms }) => at >= movedAt - AROUND_MS && at - ms <= movedAt + AROUND_MS,
          );
          const widestMs = Math.max(0, ...near.map(({ ms }) => ms));
          tell({ moved: reason, path, gapMs, widestMs, punchMs });
        }, AROUND_MS);
      },
      staysRelayed: ({ why }) => {
        tell({ stays: why, punchMs: sincePunch() });
        punchedAt = undefined;
      },
    },
  },
);

process.once("disconnect", () => process.exit());
let isRunning = false;
process.on("message", (order: Order) => {
  if (!("at" in order)) return;
  locator.publish({ endpoints: [order.at] });
  if (isRunning) return;
  isRunning = true;
  download().catch((error: unknown) => {
    tell({ failed: String(error) });
  });
});
tell({ ready: true });

async function download(): Promise<void> {
  const flow = await client.connect("weather", FEED);
  const digest = createHash("sha256");
  let bytes = 0;
  let last = performance.now();
  flow.on("data", (chunk: Buffer) => {
    const at = performance.now();
    pauses.push({ at, ms: at - last });
    last = at;
    if (pauses.length > 20_000) pauses = pauses.slice(10_000);
    digest.update(chunk);
    if (Math.floor((bytes + chunk.length) / STEP) > Math.floor(bytes / STEP)) {
      tell({ received: bytes + chunk.length });
    }
    bytes += chunk.length;
  });
  flow.once("end", () => {
    tell({ bytes, digest: digest.digest("hex") });
  });
  flow.once("error", ({ message }: Error) => {
    tell({ failed: message });
  });
}
