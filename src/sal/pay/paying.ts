import type { Hex } from "viem";
import type { Scheduler } from "../../node/scheduler.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { ClientSessionDependencies } from "../client/dependencies.ts";
import type { Session } from "../session/session.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType } from "../wire/frames.ts";
import { ClientMeter } from "./clientMeter.ts";
import { encodePay, PayKind } from "./payFrame.ts";
import { decodeQuote, QuoteKind } from "./quoteFrame.ts";

/** How long a session that is to be closed waits for the provider's last bill and for the way of its voucher. */
const PATIENCE_MS = 2_000;
/** How often it looks whether all is paid and has arrived, milliseconds. */
const CHECK_MS = 10;

/** The payments of a client's session. */
export class ClientPaying {
  /** Counts and pays; undefined if the client has no wallet. */
  readonly meter: ClientMeter | undefined;
  readonly #session: Session;
  readonly #clock: Scheduler;

  constructor(
    owner: { readonly serviceId: Hex; depart(): void },
    session: Session,
    { payer, clock, log }: ClientSessionDependencies,
  ) {
    this.#session = session;
    this.#clock = clock;
    const host = {
      get serviceId() {
        return owner.serviceId;
      },
      flows: session.flows,
      pay: (payload: Buffer) => {
        session.send(encodeFrame(FrameType.pay, 0, payload));
      },
      leave: (error: BlockcloudError) => {
        this.#endFlows(error);
        owner.depart();
      },
    };
    this.meter = payer && new ClientMeter(payer, host, { clock, log });
  }

  /** The payload of QUOTE. */
  quote(payload: Buffer): void {
    if (this.meter === undefined) this.#decline(payload);
    else this.meter.quote(payload);
  }

  /**
   * Ends the flows, and waits until nothing is owed and the provider has all that was sent, or some time: what is
   * unpaid then is paid with the next use of the tab.
   */
  settle(error: BlockcloudError): Promise<void> {
    this.#endFlows(error);
    const { meter } = this;
    if (meter === undefined) return Promise.resolve();
    const clock = this.#clock;
    const until = clock.monotonic() + PATIENCE_MS;
    return new Promise((resolve) => {
      const check = () => {
        const { end, hasUnacknowledged } = this.#session;
        const isDone = meter.isSettled && !hasUnacknowledged;
        if (isDone || end !== undefined || clock.monotonic() >= until) resolve();
        else clock.after(CHECK_MS, check);
      };
      check();
    });
  }

  /** Tells a provider that asks for payment that this client has no wallet, so that it need not wait for it. */
  #decline(payload: Buffer): void {
    if (decodeQuote(payload)?.kind !== QuoteKind.offer) return;
    this.#session.send(encodeFrame(FrameType.pay, 0, encodePay({ kind: PayKind.decline })));
  }

  #endFlows(error: BlockcloudError): void {
    for (const flow of [...this.#session.flows.values()]) flow.destroy(error);
  }
}
