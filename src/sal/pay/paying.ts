import type { Hex } from "viem";
import type { BlockcloudError } from "../../protocol/errors.ts";
import type { ClientSessionDependencies } from "../client/dependencies.ts";
import type { Session } from "../session/session.ts";
import { encodeFrame } from "../wire/encode.ts";
import { FrameType } from "../wire/frames.ts";
import { ClientMeter } from "./clientMeter.ts";
import { encodePay, PayKind } from "./payFrame.ts";
import { decodeQuote, QuoteKind } from "./quoteFrame.ts";

/** The meter of a client's session; undefined if the client has no wallet. */
export function createClientMeter(
  owner: { readonly serviceId: Hex; depart(): void },
  session: Session,
  { payer, clock, log }: ClientSessionDependencies,
): ClientMeter | undefined {
  if (payer === undefined) return undefined;
  const host = {
    get serviceId() {
      return owner.serviceId;
    },
    flows: session.flows,
    pay: (payload: Buffer) => {
      session.send(encodeFrame(FrameType.pay, 0, payload));
    },
    leave: (error: BlockcloudError) => {
      for (const flow of [...session.flows.values()]) flow.destroy(error);
      owner.depart();
    },
  };
  return new ClientMeter(payer, host, { clock, log });
}

/** Tells a provider that asks for payment that this client has no wallet, so that it need not wait for it. */
export function decline(session: Session, payload: Buffer): void {
  if (decodeQuote(payload)?.kind !== QuoteKind.offer) return;
  session.send(encodeFrame(FrameType.pay, 0, encodePay({ kind: PayKind.decline })));
}
