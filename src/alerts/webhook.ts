import { createHmac } from "node:crypto";
import { netRequest } from "../net/request.ts";
import type { Resolve } from "../net/resolve.ts";
import { BlockcloudError } from "../protocol/errors.ts";

/** Limits of a delivery. */
const TIME_MS = 5_000;
const MAX_BYTES = 64 * 1024;
const NEVER = new AbortController().signal;

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
      remedy: "Check what receives the alerts.",
    });
  }
}
