import { randomBytes } from "node:crypto";
import type { Address, Hex } from "viem";
import { bytesToHex } from "../../protocol/bytes.ts";
import { checkReceipt } from "../../protocol/checkReceipt.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { ReceiptSigner, SignedReceipt } from "../../protocol/receipt.ts";
import { salError, salErrors } from "../errors.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import type { Link } from "../transport/link.ts";
import { FrameType } from "../wire/frames.ts";
import { Greeting } from "./greeting.ts";
import {
  decodeProviderHello,
  encodeClientHello,
  SAL_VERSION,
  type CompactReceipt,
  type ProviderHello,
} from "./messages.ts";
import { channelOf } from "./secrets.ts";

/** Whose receipts a client accepts. */
export interface Expected {
  serviceId: Hex;
  /** The key that signs for the service: users take the newest one, auditors the epoch's. */
  key: Address;
}

/** A link whose other end has proved to be the service. */
export interface ProvenLink {
  greeting: Greeting;
  hello: ProviderHello;
  channel: Hex;
  receipt: SignedReceipt;
}

/**
 * Greets the other end of a link, and checks that it is the service.
 *
 * What the other end says before its receipt is a stranger's: it may refuse, but with no verdict on the service.
 *
 * @param nonce 32 bytes; an auditor's is not random.
 * @throws BlockcloudError `SAL_PROOF`, `SAL_VERSION`, `SAL_PROTOCOL`, `SAL_NO_PATH`, or the provider's refusal.
 */
export async function greet(
  link: Link,
  expected: Expected,
  { receipts, clock }: { receipts: ReceiptSigner; clock: Scheduler },
  signal: AbortSignal,
  nonce: Buffer = randomBytes(32),
): Promise<ProvenLink> {
  const greeting = new Greeting(link, clock);
  const abort = () => {
    greeting.abandon(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    greeting.send(FrameType.hello, encodeClientHello({ nonce, versions: [SAL_VERSION] }));
    const hello = await greeting.next((type, payload) => {
      if (type !== FrameType.hello) throw unexpected(type, "HELLO");
      return decodeProviderHello(payload);
    });
    const channel = channelOf(link);
    const claim = { serviceId: expected.serviceId, nonce: bytesToHex(nonce), channel };
    const receipt = provenBy(hello.proofs, claim, expected.key, receipts);
    return { greeting, hello, channel, receipt };
  } catch (error) {
    greeting.abandon(error);
    signal.throwIfAborted();
    throw strangers(error);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The codes that an endpoint may give before it has proved to be the service. */
const HINTS: readonly string[] = [
  salErrors.noPath,
  salErrors.protocol,
  salErrors.version,
  salErrors.proof,
  salErrors.timeout,
  salErrors.busy,
  salErrors.leaving,
];

function strangers(error: unknown): unknown {
  if (!(error instanceof BlockcloudError) || HINTS.includes(error.code)) return error;
  return salError("noPath", `The endpoint refuses: ${error.message}`, { cause: error });
}

/** The receipt that the expected key signed. */
export function provenBy(
  proofs: readonly CompactReceipt[],
  claim: { serviceId: Hex; nonce: Hex; channel: Hex },
  key: Address,
  receipts: ReceiptSigner,
): SignedReceipt {
  let failure: unknown;
  for (const proof of proofs) {
    const receipt = { ...claim, ...proof };
    try {
      checkReceipt(receipt, { ...claim, key }, receipts);
      return receipt;
    } catch (error) {
      if (!(error instanceof BlockcloudError)) throw error;
      failure ??= error;
    }
  }
  throw salError("proof", `The endpoint does not prove to be ${claim.serviceId}.`, {
    cause: failure,
  });
}

export function unexpected(type: number, wanted: string): BlockcloudError {
  return salError("protocol", `The peer sent type ${type} where ${wanted} was due.`);
}
