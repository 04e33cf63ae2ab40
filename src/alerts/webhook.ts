import { createHmac } from "node:crypto";
import { isPortRefused } from "../net/ports.ts";
import { netRequest } from "../net/request.ts";
import type { Resolve } from "../net/resolve.ts";
import { BlockcloudError } from "../protocol/errors.ts";

/** Limits of a delivery. */
const TIME_MS = 5_000;
const MAX_BYTES = 64 * 1024;
const NEVER = new AbortController().signal;

/** What to do about an error of a delivery, by its code. */
const REMEDIES: Readonly<Record<string, string>> = {
  NET_TLS: "Check the certificate of the webhook's host.",
  NET_TIMEOUT: "Check that what receives the alerts runs and answers in time.",
  NET_TOO_LARGE: "Let what receives the alerts answer with an empty body.",
  NET_PROTOCOL: "Check that the webhook's URL leads to a server of HTTP/1.1 or HTTP/1.0.",
};
const REMEDY = "Check the webhook's URL, and that what receives the alerts runs.";

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
   * @throws BlockcloudError `ALERT_REFUSED` for a status that is not 2xx; those of `netRequest`. No message names the
   *   URL: its path may be a secret.
   */
  async deliver(body: string, seconds: number): Promise<void> {
    const { url, secret, allowLoopback, resolveHost } = this.#options;
    const request = {
      ...{ method: "POST", url },
      headers: {
        "content-type": "application/json",
        "blockcloud-signature": webhookSignature(secret, body, seconds),
      },
      body: Buffer.from(body),
    };
    const limits = { timeMs: TIME_MS, maxBytes: MAX_BYTES, allowLoopback };
    // One that has begun is not given up, not even by a stop: the receiver may have it already.
    const { status } = await netRequest(request, limits, NEVER, resolveHost).catch(
      (cause: unknown) => {
        if (!(cause instanceof BlockcloudError)) throw cause;
        const { code, retryable } = cause;
        // Its message may name the host, which may be a secret, too.
        throw new BlockcloudError(code, "The webhook was not reached.", {
          ...{ cause, retryable },
          remedy: code === "NET_REFUSED" ? this.#refusedRemedy() : failureRemedy(cause),
        });
      },
    );
    if (status >= 200 && status < 300) return;
    throw new BlockcloudError("ALERT_REFUSED", `The webhook answered with status ${status}.`, {
      retryable: true,
      remedy: statusRemedy(status),
    });
  }

  /** This host did not try to connect. */
  #refusedRemedy(): string {
    const { url, allowLoopback } = this.#options;
    if (url.port !== "" && isPortRefused(Number(url.port)))
      return `This host connects to no webhook at port ${url.port}: let it listen at another port.`;
    return allowLoopback
      ? "The webhook's address is private, and not one of this host: give one with a public address."
      : "The webhook's address is private: give one with a public address, or --allow-loopback for one on this host.";
  }
}

function failureRemedy({ code, cause }: BlockcloudError): string {
  const known = REMEDIES[code];
  if (known !== undefined) return known;
  const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return /^E[A-Z_]{1,30}$/.test(reason) ? `The connection failed (${reason}). ${REMEDY}` : REMEDY;
}

function statusRemedy(status: number): string {
  const answered = `The webhook answered ${status}`;
  if (status === 401 || status === 403)
    return `${answered}: compare the secret on both sides, and the clocks of both hosts.`;
  if (status >= 300 && status < 400)
    return `${answered}: redirects are not followed, give the URL to which it leads.`;
  if (status === 404 || status === 405 || status === 410)
    return `${answered}: check the path of its URL.`;
  return `${answered}: see the log of what receives the alerts.`;
}
