import { createHmac } from "node:crypto";
import { netRequest } from "../net/request.ts";
import type { Resolve } from "../net/resolve.ts";
import { BlockcloudError } from "../protocol/errors.ts";

/** Limits of a delivery. */
const TIME_MS = 5_000;
const MAX_BYTES = 64 * 1024;
const NEVER = new AbortController().signal;

/** What to do about an error of a delivery. The errors' own messages may name the host, which may be a secret, too. */
const REMEDIES: Readonly<Record<string, string>> = {
  NET_REFUSED:
    "Give a webhook with a public address and an open port, or --allow-loopback for one on this host.",
  NET_TLS: "Check the certificate of the webhook's host.",
  NET_TIMEOUT: "Check that what receives the alerts runs and answers in time.",
  NET_TOO_LARGE: "Let what receives the alerts answer with an empty body.",
  NET_PROTOCOL: "Check that the webhook's URL leads to a server of HTTP/1.1 or HTTP/1.0.",
};
const REMEDY = "Check the webhook's URL, and that what receives the alerts runs.";

/** What to do about a delivery that failed; without secrets. */
export function deliveryRemedy(error: unknown): string {
  const code = error instanceof BlockcloudError ? error.code : "";
  return REMEDIES[code] ?? REMEDY;
}

export interface WebhookOptions {
  url: URL;
  /** At least 16 characters; it signs, and is never sent. */
  secret: string;
  /** Webhooks on this host, for a devnet. */
  allowLoopback: boolean;
  resolveHost?: Resolve | undefined;
}

/**
 * The field that proves a message: `t=<Unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>" in hexadecimal>`. The time is
 * signed, too, so that a receiver can refuse an old message that is played again.
 */
export function webhookSignature(secret: string, body: string, seconds: number): string {
  const mac = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${mac}`;
}

/** Delivers messages to a URL, under the rules for addresses of strangers: no private ones, no redirects. */
export class Webhook {
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /**
   * @param seconds The time now, Unix seconds.
   * @throws BlockcloudError `ALERT_REFUSED` for a status that is not 2xx; those of `netRequest`. No error names the URL:
   *   its path may be a secret.
   */
  async deliver(body: string, seconds: number): Promise<void> {
    const { url, secret, allowLoopback, resolveHost } = this.#options;
    const { status } = await netRequest(
      {
        ...{ method: "POST", url },
        headers: {
          "content-type": "application/json",
          "blockcloud-signature": webhookSignature(secret, body, seconds),
        },
        body: Buffer.from(body),
      },
      { timeMs: TIME_MS, maxBytes: MAX_BYTES, allowLoopback },
      // One that has begun is not given up, not even by a stop: the receiver may have it already.
      NEVER,
      resolveHost,
    );
    if (status >= 200 && status < 300) return;
    throw new BlockcloudError("ALERT_REFUSED", `The webhook answered with status ${status}.`, {
      retryable: true,
      remedy: REMEDY,
    });
  }
}
