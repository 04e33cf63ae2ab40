/** What a service asks for, from its answer to a request that is not paid. */
import { formatEther, isAddressEqual, zeroAddress, type Address } from "viem";
import * as z from "zod";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import {
  decodeField,
  encodeField,
  EXACT_SCHEME,
  networkOfChain,
  PAYMENT_FIELDS,
  TAB_SCHEME,
  X402_VERSION,
} from "../../../src/protocol/x402.ts";
import type { ServiceAnswer } from "./call.ts";

/** A price, for people: amounts of BLOC with what they are for. It is told by the gateway without a receipt. */
export type Price =
  | { kind: "free" }
  | { kind: "priced"; parts: readonly string[] }
  | { kind: "unknown"; why: string };

const amount = z
  .string()
  .max(30)
  .regex(/^\d+$/)
  .transform((text) => BigInt(text));
const offerSchema = z.object({
  scheme: z.string().max(64),
  network: z.string().max(64),
  amount: z.string().max(78).regex(/^\d+$/),
  asset: z.string().max(42),
  extra: z.record(z.string(), z.unknown()),
});
const requiredSchema = z.object({ accepts: z.array(offerSchema).max(16) });
const tabSchema = z.object({
  quote: z.object({
    price: z.object({ perByte: amount, perRequest: amount, perSecond: amount }),
  }),
});

/**
 * A payment that no gateway accepts. A request with it is answered with the offers, and takes nothing from the free
 * allowance of its sender, which auditors need, too.
 */
export function unacceptablePayment(chainId: number): string {
  const accepted = {
    ...{ scheme: "none", network: networkOfChain(chainId), amount: "0" },
    ...{ asset: zeroAddress, payTo: zeroAddress, maxTimeoutSeconds: 1, extra: {} },
  };
  return encodeField({ x402Version: X402_VERSION, accepted, payload: {} });
}

/**
 * The price in an answer.
 *
 * @param isProven Whether the service's receipt proves the answer: then the request needed no payment.
 */
export function priceOf(
  { status, headers }: Pick<ServiceAnswer, "status" | "headers">,
  isProven: boolean,
  token: Address,
): Price {
  if (status !== 402) {
    return isProven
      ? { kind: "free" }
      : { kind: "unknown", why: `it answered ${status} without a receipt` };
  }
  const field = headers.find(([name]) => name.toLowerCase() === FIELD)?.[1];
  if (field === undefined) return { kind: "unknown", why: "its 402 names no offer" };
  try {
    const { accepts } = requiredSchema.parse(decodeField(field));
    return fromOffers(accepts, token);
  } catch (error) {
    const isMalformed = error instanceof z.ZodError || error instanceof BlockcloudError;
    if (!isMalformed) throw error;
    return { kind: "unknown", why: "its offers are malformed" };
  }
}

const FIELD = PAYMENT_FIELDS.required.toLowerCase();
const MB = 1_000_000n;
const HOUR = 3_600n;

function fromOffers(offers: readonly z.infer<typeof offerSchema>[], token: Address): Price {
  const tab = offers.find(({ scheme }) => scheme === TAB_SCHEME);
  if (tab !== undefined) {
    const { perByte, perRequest, perSecond } = tabSchema.parse(tab.extra).quote.price;
    const parts = [
      ...(perRequest > 0n ? [`${formatEther(perRequest)} a request`] : []),
      ...(perByte > 0n ? [`${formatEther(perByte * MB)} a MB`] : []),
      ...(perSecond > 0n ? [`${formatEther(perSecond * HOUR)} an hour`] : []),
    ];
    return parts.length === 0 ? { kind: "free" } : { kind: "priced", parts };
  }
  const transfer = offers.find(
    ({ scheme, asset }) =>
      scheme === EXACT_SCHEME &&
      /^0x[0-9a-f]{40}$/i.test(asset) &&
      isAddressEqual(asset as Address, token),
  );
  if (transfer !== undefined) {
    const parts = [`${formatEther(BigInt(transfer.amount))} a request with 1 MiB`];
    return { kind: "priced", parts };
  }
  return { kind: "unknown", why: "it takes no BLOC" };
}
