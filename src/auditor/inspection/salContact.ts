import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Address, Hex } from "viem";
import { raceSignal } from "race-signal";
import type { Logger } from "../../node/logger.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import type { ReceiptSigner, SignedReceipt } from "../../protocol/receipt.ts";
import type { Domain } from "../../protocol/typedData.ts";
import type { Located, Locator } from "../../sal/client/locator.ts";
import { SalClient } from "../../sal/client/salClient.ts";
import { salError } from "../../sal/errors.ts";
import type { Transport } from "../../sal/transport/link.ts";

/** What an auditor needs to speak the SAL. */
export interface SalParts {
  transport: Transport;
  clock: Scheduler;
  domain: Domain;
  log: Logger;
}

/** The service to contact, as the auditor sees it. */
export interface SalTarget {
  serviceId: Hex;
  /** The key of the epoch: a newer one does not count yet. */
  key: Address;
  endpoints: readonly string[];
  port: number;
  /** Draws the nonce of a link. */
  nonce: () => Hex;
}

/** A flow to a service, in a session of its own. */
export interface SalContact {
  readonly flow: Duplex;
  /** The evidence: the receipt of the session's first link. */
  readonly receipt: SignedReceipt;
  /** Lets the session go on over another link; resolves when it does. */
  resume(signal: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * Opens a flow to a service as every program does, in a session that no other inspection shares. If a service asks who
 * its client is, this is a client that it has never seen.
 *
 * @throws BlockcloudError of `salErrors`; or the signal's reason.
 */
export async function contactOverSal(
  target: SalTarget,
  { transport, clock, domain, log }: SalParts,
  dependencies: { receipts: ReceiptSigner; now: () => number },
  signal: AbortSignal,
): Promise<SalContact> {
  const { serviceId, key, endpoints, port } = target;
  const located: Located = {
    ...{ serviceId, key, endpoints },
    issuedAt: 0,
    delegatedUntil: undefined,
  };
  const { promise: hasMoved, resolve: moved } = Promise.withResolvers<undefined>();
  const client = new SalClient(
    { identity: randomBytes(32) },
    {
      ...{ transport, clock, domain, log, ...dependencies },
      locator: fixedLocator(located),
      nonce: () => Buffer.from(hexToBytes(target.nonce())),
      observer: {
        moved: () => {
          moved(undefined);
        },
      },
    },
  );
  const close = () => {
    client.close();
  };
  try {
    const flow = await client.connect(serviceId, port, signal);
    // Until somebody reads it, its error is kept: a reader is told.
    flow.on("error", () => {});
    const [session] = client.sessions;
    if (session?.receipt === undefined) throw salError("lost", "The session ended at once.");
    return {
      flow,
      receipt: session.receipt,
      async resume(limit) {
        const { promise: failed, reject } = Promise.withResolvers<never>();
        const over = () => {
          reject(flow.errored ?? salError("lost", "The session ended while it resumed."));
        };
        flow.once("close", over);
        if (flow.destroyed) over();
        try {
          session.reconsider("audit");
          await raceSignal(Promise.race([hasMoved, failed]), limit);
        } finally {
          flow.off("close", over);
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * What the auditor has found is what it inspects: a session looks nothing up again, and a service that moves meanwhile
 * keeps its old place for longer than an inspection lasts. The key is the epoch's, which no lookup gives.
 */
function fixedLocator(located: Located): Locator {
  return {
    locate: () => Promise.resolve(located),
    relocate: () => Promise.resolve(located),
    watch: () => () => {},
    check: () => Promise.resolve(located),
  };
}
