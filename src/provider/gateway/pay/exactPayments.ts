import { createHash } from "node:crypto";
import { isAddressEqual, type Address, type Hex } from "viem";
import {
  EXACT_SCHEME,
  readExactPayload,
  type ExactPayload,
  type PaymentPayload,
  type PaymentRequirements,
  type PaymentResponse,
} from "../../../protocol/x402.ts";
import { GatewayProblem } from "../problem.ts";
import type { Authorizations } from "./authorizations.ts";
import { exactText } from "./exactText.ts";
import { ExactTicket } from "./exactTicket.ts";
import type { ExactPayment, Facilitator } from "./facilitator.ts";
import type { SchemeDependencies } from "./parts.ts";
import { amountFor, type ExactAsset } from "./pricing.ts";
import type { Settler } from "./settler.ts";
import { nameOf, type PaymentKey } from "./paymentKey.ts";
import type { StoredPayment } from "./store.ts";
import { askedText, full, isSafe, pending, type Asked, type Ticket } from "./ticket.ts";

/** The shortest time that an authorization must have left, seconds: to run the request and to settle. */
const LEAST_LEFT_S = 6;
/** How far ahead of the chain's time a client's clock may be, seconds. */
const CLOCK_SKEW_S = 60;

/** A settled transfer is looked for again after this time, seconds. */
const REVIEW_S = 20;

export interface ExactOptions {
  network: string;
  /** In the order of the offers. */
  assets: readonly ExactAsset[];
  payTo: Address;
  maxTimeoutSeconds: number;
  /** How long a payment is kept after its authorization has expired, seconds. */
  keepSeconds: number;
}

export interface ExactDependencies extends SchemeDependencies {
  books: Authorizations;
  facilitator: Facilitator;
  settler: Settler;
}

/** Payments of the scheme `exact`: one EIP-3009 transfer for one answer. */
export class ExactPayments {
  readonly #options: ExactOptions;
  readonly #parts: ExactDependencies;
  /** Payments whose request is being served. */
  readonly #running = new Set<string>();
  /** Whether the facilitator, or the endpoint that knows the price of gas, did not answer. */
  #isDown = false;

  constructor(options: ExactOptions, dependencies: ExactDependencies) {
    this.#options = options;
    this.#parts = dependencies;
  }

  /** The offers for an answer, which the facilitator takes now. */
  async offers(bytes: number): Promise<PaymentRequirements[]> {
    const { network, assets, payTo, maxTimeoutSeconds } = this.#options;
    const { facilitator, log } = this.#parts;
    const offers = await Promise.all(
      assets.map(async (asset): Promise<PaymentRequirements[]> => {
        const { address, name, version } = asset;
        const amount = amountFor(asset, bytes);
        try {
          if (amount === 0n || !(await facilitator.takes(asset, amount))) return [];
          this.#isDown = false;
        } catch (error) {
          // Each request without a payment comes here.
          const level = this.#isDown ? "debug" : "warn";
          log[level]("a token is not offered, because its settlement cannot be asked for", {
            error,
          });
          this.#isDown = true;
          return [];
        }
        return [
          {
            ...{ scheme: EXACT_SCHEME, network, amount: String(amount), asset: address, payTo },
            ...{ maxTimeoutSeconds, extra: { name, version } },
          },
        ];
      }),
    );
    return offers.flat();
  }

  /**
   * Checks a payment, and stores it.
   *
   * @throws GatewayProblem; BlockcloudError `PAYMENT_MALFORMED`.
   */
  async admit(
    { accepted, payload }: PaymentPayload,
    header: string,
    asked: Asked,
  ): Promise<Ticket> {
    const exact = readExactPayload(payload);
    const { from, nonce } = exact.authorization;
    const [asset, payer] = [accepted.asset.toLowerCase(), from.toLowerCase()];
    const key: PaymentKey = { asset, payer, nonce: nonce.toLowerCase() as Hex };
    const name = nameOf(key);
    if (this.#running.has(name)) throw pending();
    this.#running.add(name);
    const done = () => this.#running.delete(name);
    try {
      const resource =
        URL.parse(asked.target, `https://${asked.host ?? "service.invalid"}`) ??
        new URL("https://service.invalid");
      resource.search = "";
      const payment = {
        ...{ asset: accepted.asset, payload: exact, accepted, resource: resource.href },
      };
      return await this.#admit({ key, name, payment, header, asked, done });
    } catch (error) {
      done();
      throw error;
    }
  }

  async #admit(admission: Admission): Promise<Ticket> {
    const { key, payment, asked } = admission;
    const { store, facilitator, offers } = this.#parts;
    const header = createHash("sha256").update(admission.header).digest();
    const known = store.find(key);
    const isSame =
      known !== undefined && header.equals(known.header) && known.asked === askedText(asked);
    // A payee's services share a store, not their offers.
    const isOurs = known === undefined || offers.check(payment.accepted, asked) !== "foreign";
    if (!isOurs || (known !== undefined && !isSame))
      throw await this.#failed(admission, "authorization_known");
    const state =
      known === undefined
        ? await this.#take(admission, header)
        : await this.#resume(admission, known);
    const { transaction, run } = state;
    if (run === "sent" || run === "begun") throw new GatewayProblem("ALREADY_SERVED");
    const isAnswered = run === "answered";
    if (transaction === undefined && !isAnswered && facilitator.isRemote) {
      await this.#askFacilitator(key, payment);
    }
    // From here on a request with effects may have them.
    if (!isAnswered && !isSafe(asked)) {
      const isFirst = await store.update(key, { run: "begun" }, ["idle"]);
      // Another gateway was faster.
      if (!isFirst) throw pending();
    }
    return new ExactTicket(
      { ...admission, amount: BigInt(payment.accepted.amount), transaction, isAnswered },
      {
        ...this.#parts,
        asset: this.#assetOf(payment.accepted),
        network: this.#options.network,
        failed: (reason) => this.#failed(admission, reason),
      },
    );
  }

  /** Checks a payment that comes for the first time. */
  async #take(admission: Admission, header: Uint8Array): Promise<Progress> {
    const { key, payment, asked } = admission;
    const { store, books, offers, refuser, now } = this.#parts;
    const { accepted, payload } = payment;
    const offer = offers.check(accepted, asked);
    if (typeof offer === "string") throw await refuser.refuse(asked, `offer_${offer}`);
    const fault = this.#fault(payload, accepted);
    if (fault !== undefined) throw await this.#failed(admission, fault);
    const { authorization } = payload;
    this.#parts.limitNew(asked);
    const transaction = await this.#onChain(async () => {
      const refusal = await books.refusal(accepted.asset, payload);
      if (refusal === undefined) return undefined;
      // The client, or a facilitator of an earlier time, may have settled it.
      const found = await books.look({ asset: accepted.asset, authorization });
      if (found.state === "used") return found.transaction;
      throw await this.#failed(admission, found.state === "void" ? found.reason : refusal);
    });
    const endsAt = Number(authorization.validBefore);
    const refused = await store.add(
      {
        ...{ key, header, asked: askedText(asked), run: "idle", transaction, endsAt },
        settlement: transaction === undefined ? "none" : "paid",
        keepUntil: endsAt + this.#options.keepSeconds,
        payload: exactText(payment),
        reviewAt: now() + REVIEW_S,
      },
      now(),
    );
    // Another gateway was faster.
    if (refused === "known") throw pending();
    if (refused !== undefined) throw full();
    return { transaction, run: "idle" };
  }

  /** Goes on with a payment whose header has come before. */
  async #resume(admission: Admission, known: StoredPayment): Promise<Progress> {
    const { key, payment } = admission;
    const { store, books, now } = this.#parts;
    const { settlement, run, transaction } = known;
    if (settlement === "paid") return { transaction, run };
    if (settlement === "void") throw await this.#failed(admission, "authorization_void");
    const { authorization } = payment.payload;
    const found = await this.#onChain(() => books.look({ asset: payment.asset, authorization }));
    if (found.state === "used") {
      await store.update(key, { settlement: "paid", transaction: found.transaction });
      return { transaction: found.transaction, run };
    }
    if (found.state === "void") {
      await store.update(key, { settlement: "void" });
      throw await this.#failed(admission, found.reason);
    }
    // Too late to settle, and too early to know that no other account settles it.
    if (Number(authorization.validBefore) < now() + LEAST_LEFT_S) throw pending();
    return { transaction: undefined, run };
  }

  /** Whatever a remote facilitator says, it has the authorization from then on, and might execute it. */
  async #askFacilitator(key: PaymentKey, payment: ExactPayment): Promise<void> {
    const { store, facilitator, log } = this.#parts;
    await store.update(key, { settlement: "given" });
    let reason: unknown;
    try {
      reason = await facilitator.verify(payment);
    } catch (error) {
      reason = error;
    }
    if (reason === undefined) return;
    log.warn("the facilitator does not verify a payment", { nonce: key.nonce, reason });
    throw pending();
  }

  #fault({ authorization }: ExactPayload, accepted: PaymentRequirements): string | undefined {
    const { to, value, validAfter, validBefore } = authorization;
    const now = this.#parts.now();
    if (!isAddressEqual(to, accepted.payTo)) return "recipient_mismatch";
    if (value !== BigInt(accepted.amount)) return "value_mismatch";
    if (validAfter > BigInt(Math.ceil(now))) return "not_yet_valid";
    if (validBefore < BigInt(Math.ceil(now) + LEAST_LEFT_S)) return "expired";
    const latest = Math.ceil(now) + accepted.maxTimeoutSeconds + CLOCK_SKEW_S;
    return validBefore > BigInt(latest) ? "valid_too_long" : undefined;
  }

  #assetOf(accepted: PaymentRequirements): ExactAsset | undefined {
    return this.#options.assets.find(({ address }) => isAddressEqual(address, accepted.asset));
  }

  /** @throws GatewayProblem `PAYMENT_PENDING` if the chain cannot be asked. */
  async #onChain<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof GatewayProblem) throw error;
      this.#parts.log.warn("the chain does not show a payment now", { error });
      throw pending();
    }
  }

  #failed({ asked, payment }: Admission, errorReason: string): Promise<GatewayProblem> {
    const response: PaymentResponse = {
      ...{ success: false, errorReason, payer: payment.payload.authorization.from },
      ...{ transaction: "", network: this.#options.network },
    };
    return this.#parts.refuser.refuse(asked, errorReason, { response });
  }
}

/** A payment that is being admitted. */
export interface Admission {
  readonly key: PaymentKey;
  readonly name: string;
  readonly payment: ExactPayment;
  readonly header: string;
  readonly asked: Asked;
  /** Lets the same header be served again. */
  done(): void;
}

/** How far a payment is before its request is served. */
type Progress = Pick<StoredPayment, "transaction" | "run">;
