import type { Hex } from "viem";
import * as z from "zod";
import { netRequest, type NetRequest } from "../../../net/request.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { toText, X402_VERSION, EXACT_SCHEME } from "../../../protocol/x402.ts";
import type { ExactPayment, Facilitator, Settled } from "./facilitator.ts";
import type { ExactAsset } from "./pricing.ts";

/** Largest answer of a facilitator, bytes. */
const MAX_BYTES = 64 * 1024;
/** How long a facilitator may take, milliseconds. */
export const FACILITATOR_MS = { supported: 10_000, verify: 10_000, settle: 30_000 };
/** How long its list of networks is used, milliseconds; a failure is asked again sooner. */
const SUPPORTED_MS = { known: 600_000, failed: 15_000 };
const NEVER = new AbortController().signal;

const verified = z.object({
  isValid: z.boolean(),
  invalidReason: z.string().max(256).nullish(),
});
const settled = z.object({
  success: z.boolean(),
  errorReason: z.string().max(256).nullish(),
  transaction: z.string().max(128),
});
const supported = z.object({
  kinds: z
    .array(z.object({ x402Version: z.number(), scheme: z.string(), network: z.string() }))
    .max(1_000),
});

/**
 * A facilitator at a URL. It gets the payment without the offer's token and the resource without its query: with both
 * it could fetch what others have paid.
 */
export class RemoteFacilitator implements Facilitator {
  readonly isRemote = true;
  readonly #url: URL;
  readonly #network: string;
  readonly #monotonic: () => number;
  #supported: { readonly answer: Promise<boolean>; until: number } | undefined;

  /**
   * @param url Where its paths begin.
   * @param network In CAIP-2.
   * @param monotonic Milliseconds.
   */
  constructor(url: URL, network: string, monotonic: () => number) {
    this.#url = url;
    this.#network = network;
    this.#monotonic = monotonic;
  }

  /** Whether it settles on this network. */
  takes(_asset: ExactAsset, _amount: bigint): Promise<boolean> {
    const now = this.#monotonic();
    if (this.#supported !== undefined && now < this.#supported.until) return this.#supported.answer;
    const answer = this.#supports();
    const held = { answer, until: now + SUPPORTED_MS.known };
    this.#supported = held;
    answer.catch(() => {
      held.until = now + SUPPORTED_MS.failed;
    });
    return answer;
  }

  async verify(payment: ExactPayment): Promise<string | undefined> {
    const answer = await this.#ask("verify", verified, bodyOf(payment));
    return answer.isValid ? undefined : (answer.invalidReason ?? "invalid_payment");
  }

  async settle(payment: ExactPayment): Promise<Settled> {
    const answer = await this.#ask("settle", settled, bodyOf(payment));
    if (answer.success && /^0x[0-9a-fA-F]{64}$/.test(answer.transaction)) {
      return { transaction: answer.transaction as Hex };
    }
    return { failed: answer.errorReason ?? "settlement_failed" };
  }

  async #supports(): Promise<boolean> {
    const { kinds } = await this.#ask("supported", supported);
    return kinds.some(
      ({ x402Version, scheme, network }) =>
        x402Version === X402_VERSION && scheme === EXACT_SCHEME && network === this.#network,
    );
  }

  async #ask<T>(
    path: keyof typeof FACILITATOR_MS,
    schema: z.ZodType<T>,
    content?: unknown,
  ): Promise<T> {
    const url = new URL(this.#url);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
    const headers: Record<string, string> = { accept: "application/json" };
    const request: NetRequest =
      content === undefined
        ? { method: "GET", url, headers, body: Buffer.alloc(0) }
        : {
            ...{ method: "POST", url, headers: { ...headers, "content-type": "application/json" } },
            body: Buffer.from(JSON.stringify(content)),
          };
    const limits = {
      ...{ timeMs: FACILITATOR_MS[path], maxBytes: MAX_BYTES },
      // The operator has named it.
      ...{ allowLoopback: true, anyAddress: true },
    };
    const { status, body } = await netRequest(request, limits, NEVER);
    const answer = schema.safeParse(jsonOf(body));
    // Errors come with a body of the same form.
    if (answer.success) return answer.data;
    throw new BlockcloudError(
      "FACILITATOR_FAILED",
      `The facilitator answers /${path} with status ${status} and another body than x402's.`,
      { retryable: true, remedy: "Check the facilitator, or settle in this process." },
    );
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return undefined;
  }
}

function bodyOf({ accepted, payload, resource }: ExactPayment) {
  const { name, version } = accepted.extra;
  const paymentRequirements = { ...accepted, extra: { name, version } };
  const paymentPayload = {
    x402Version: X402_VERSION,
    resource: { url: resource },
    accepted: paymentRequirements,
    payload: toText(payload),
  };
  return { x402Version: X402_VERSION, paymentPayload, paymentRequirements };
}
