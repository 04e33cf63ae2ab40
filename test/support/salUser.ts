import { DialRules } from "../../src/net/dialRules.ts";
import { systemScheduler } from "../../src/node/scheduler.ts";
import { ReceiptSigner } from "../../src/protocol/receipt.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import type { Domain } from "../../src/protocol/typedData.ts";
import type { PathObserver } from "../../src/sal/client/dependencies.ts";
import { SalClient } from "../../src/sal/client/salClient.ts";
import type { Payer } from "../../src/sal/pay/payer.ts";
import { TlsTransport } from "../../src/sal/transport/tlsTransport.ts";
import type { Hex } from "viem";
import { FakeLocator } from "../sal/rig/fakeLocator.ts";
import { MemoryLog } from "./memoryLog.ts";

/** A user of a service on loopback, with a directory that a test writes. */
export function salUser(
  service: { serviceId: Hex; key: Uint8Array; domain: Domain; port: number },
  options: { observer?: PathObserver; payer?: Payer } = {},
): { client: SalClient; locator: FakeLocator } {
  const { serviceId, domain } = service;
  const locator = new FakeLocator({
    serviceId,
    key: addressOfKey(service.key),
    endpoints: [`sal://127.0.0.1:${service.port}`],
    issuedAt: 1,
    delegatedUntil: undefined,
  });
  const client = new SalClient(
    {},
    {
      clock: systemScheduler,
      transport: new TlsTransport(new DialRules({ allowLoopback: true })),
      locator,
      receipts: new ReceiptSigner(domain),
      domain,
      log: new MemoryLog(),
      now: Date.now,
      observer: options.observer,
      payer: options.payer,
    },
  );
  return { client, locator };
}
