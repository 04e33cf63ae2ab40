import type { Address } from "viem";
import type { TabCollector } from "../../../cashier/tabs.ts";
import { boundedTable, type BoundedTable } from "../../../node/boundedTable.ts";
import { RateLimit } from "../../../node/rateLimit.ts";
import { peerOf } from "../../../net/peer.ts";
import type { Logger } from "../../../node/logger.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import {
  decodePayment,
  encodeField,
  EXACT_SCHEME,
  PAYMENT_FIELDS,
  TAB_SCHEME,
  X402_VERSION,
  type PaymentPayload,
  type PaymentRequired,
} from "../../../protocol/x402.ts";
import { GatewayProblem } from "../problem.ts";
import { ExactPayments, type ExactDependencies, type ExactOptions } from "./exactPayments.ts";
import { FreeTicket, type Allowance } from "./freeTicket.ts";
import type { Offers } from "./offers.ts";
import type { Reservations } from "./reservations.ts";
import { TabPayments } from "./tabPayments.ts";
import {
  full,
  KEPT_BYTES,
  responseField,
  type Asked,
  type Refusal,
  type Refuser,
  type Ticket,
} from "./ticket.ts";

/** New payments of a peer that are looked up on chain; others of its tabs are not bounded. */
const NEW_PAYMENTS = { perSecond: 20, burst: 100, maxPeers: 10_000 };
/** Targets whose answers are known to be larger than what an offer covers otherwise. */
const KNOWN_LENGTHS = 10_000;

export interface PaymentsOptions extends ExactOptions {
  /** BLOC. */
  token: Address;
  allowLoopback: boolean;
}

export interface PaymentsDependencies extends Omit<
  ExactDependencies,
  "refuser" | "offers" | "limitNew"
> {
  /** Monotonic milliseconds. */
  monotonic(): number;
  offers: Offers;
  /** Takes payments by tab; without it they are not offered. */
  collector: TabCollector | undefined;
  /** What each peer gets without payment; without it nothing is free. */
  allowance: Allowance | undefined;
}

/**
 * Decides by which right a request to a priced service is served: x402 version 2 over HTTP. The first offer is by tab,
 * then come transfers of the network's stablecoin and of BLOC: a client takes the first that it can pay.
 */
export class Payments implements Refuser {
  readonly #exact: ExactPayments;
  readonly #tabs: TabPayments | undefined;
  readonly #offers: Offers;
  readonly #allowance: Allowance | undefined;
  readonly #allowLoopback: boolean;
  readonly #log: Logger;
  readonly #lengths: BoundedTable<string, number> = boundedTable(KNOWN_LENGTHS);

  constructor(options: PaymentsOptions, dependencies: PaymentsDependencies) {
    const { collector, allowance, offers, store, now, log } = dependencies;
    const monotonic = () => dependencies.monotonic();
    const rate = new RateLimit(NEW_PAYMENTS, monotonic);
    const limitNew = ({ client }: Asked) => {
      const retryAfterMs = rate.take(peerOf(client.address));
      if (retryAfterMs > 0) throw new GatewayProblem("PAYMENTS_EXCEEDED", { retryAfterMs });
    };
    this.#exact = new ExactPayments(options, { ...dependencies, limitNew, refuser: this });
    this.#tabs =
      collector &&
      new TabPayments(
        { ...options, asset: options.token },
        { collector, store, offers, refuser: this, limitNew, now, monotonic, log },
      );
    this.#offers = offers;
    this.#allowance = allowance;
    this.#allowLoopback = options.allowLoopback;
    this.#log = log;
  }

  /** Tabs with requests in progress; undefined if none can be used. */
  get reserved(): Pick<Reservations, "all"> | undefined {
    return this.#tabs?.reserved;
  }

  /**
   * The right by which a request is served.
   *
   * @throws GatewayProblem
   */
  async admit(asked: Asked): Promise<Ticket> {
    const { header } = asked;
    if (header === undefined) {
      const allowance = this.#allowance;
      if (allowance?.takeRequest(asked.client.address))
        return new FreeTicket(asked, allowance, this);
      throw await this.refuse(asked, "payment_required");
    }
    this.#needPrivacy(asked);
    try {
      return await this.#admitPaid(decodePayment(header), header, asked);
    } catch (cause) {
      const code = cause instanceof BlockcloudError ? cause.code : undefined;
      if (code !== "PAYMENT_MALFORMED" && code !== "CASHIER_MESSAGE") throw cause;
      throw new GatewayProblem("PAYMENT_MALFORMED", { cause });
    }
  }

  #admitPaid(payment: PaymentPayload, header: string, asked: Asked): Promise<Ticket> {
    const { scheme } = payment.accepted;
    if (scheme === EXACT_SCHEME) return this.#exact.admit(payment, header, asked);
    if (scheme === TAB_SCHEME && this.#tabs !== undefined) {
      return this.#tabs.admit(payment, header, asked);
    }
    return this.refuse(asked, "offer_foreign").then((problem) => {
      throw problem;
    });
  }

  async refuse(asked: Asked, error: string, about: Refusal = {}): Promise<GatewayProblem> {
    this.#needPrivacy(asked);
    const { method, target, host = "service.invalid", client } = asked;
    const name = `${method} ${target}`;
    const { length } = about;
    // The next request for a large answer gets its price at once.
    if (length !== undefined && length > KEPT_BYTES) this.#lengths.set(name, length);
    const bytes = Math.max(KEPT_BYTES, length ?? this.#lengths.get(name) ?? 0);
    const offers = [
      ...(this.#tabs === undefined ? [] : [this.#tabs.offer(bytes, about.tab)]),
      ...(await this.#exact.offers(bytes)),
    ];
    if (offers.length === 0) {
      this.#log.debug("no way to pay is open now");
      return full();
    }
    const required: PaymentRequired = {
      ...{ x402Version: X402_VERSION, error, extensions: {} },
      resource: { url: `${client.scheme}://${host}${target}` },
      accepts: offers.map((offer) => this.#offers.seal(offer, asked)),
    };
    const fields = [PAYMENT_FIELDS.required, encodeField(required)];
    if (about.response !== undefined) fields.push(...responseField(about.response));
    const code = about.response === undefined ? "PAYMENT_REQUIRED" : "PAYMENT_FAILED";
    return new GatewayProblem(code, { fields });
  }

  /**
   * An offer's token and a payment's header are secrets: with them anyone could fetch what was paid.
   *
   * @throws GatewayProblem `PAYMENT_NEEDS_TLS`.
   */
  #needPrivacy({ client, overSal }: Asked): void {
    const isLocal = this.#allowLoopback && /^(127\.|::1$)/.test(client.address);
    if (client.scheme !== "https" && !overSal && !isLocal) {
      throw new GatewayProblem("PAYMENT_NEEDS_TLS");
    }
  }
}
