import { createHash } from "node:crypto";
import { DialRules } from "../../../src/net/dialRules.ts";
import { systemScheduler as clock } from "../../../src/node/scheduler.ts";
import { ReceiptSigner } from "../../../src/protocol/receipt.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import type { Located } from "../../../src/sal/client/locator.ts";
import { SalClient } from "../../../src/sal/client/salClient.ts";
import { TlsTransport } from "../../../src/sal/transport/tlsTransport.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { FakeLocator } from "../rig/fakeLocator.ts";
import { DOMAIN, KEY, SERVICE } from "../rig/salRig.ts";
import { FEED, tell, type Order } from "./messages.ts";

/** How often the client tells what it has, bytes. */
const STEP = 1_000_000;

/** As the record network does, it waits for a record that is newer than the known one. */
class NetworkLocator extends FakeLocator {
  #arrived = Promise.withResolvers<undefined>();

  override publish(change: Partial<Located>): void {
    super.publish(change);
    this.#arrived.resolve(undefined);
    this.#arrived = Promise.withResolvers();
  }

  override async relocate(_id?: string, newerThan = 0): Promise<Located> {
    while (this.located.issuedAt <= newerThan) await this.#arrived.promise;
    return this.located;
  }
}

const locator = new NetworkLocator({
  ...{ serviceId: SERVICE, key: addressOfKey(KEY), endpoints: [] },
  ...{ issuedAt: 1, delegatedUntil: undefined },
});
const client = new SalClient(
  {},
  {
    ...{ clock, locator, domain: DOMAIN, log: new MemoryLog(), now: Date.now },
    transport: new TlsTransport(new DialRules({ allowLoopback: false })),
    receipts: new ReceiptSigner(DOMAIN),
    observer: {
      moved: ({ reason }) => {
        tell({ moved: reason });
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
  for await (const chunk of flow as AsyncIterable<Buffer>) {
    digest.update(chunk);
    if (Math.floor((bytes + chunk.length) / STEP) > Math.floor(bytes / STEP)) {
      tell({ received: bytes + chunk.length });
    }
    bytes += chunk.length;
  }
  tell({ bytes, digest: digest.digest("hex") });
}
