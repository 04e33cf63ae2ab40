import type { Address, Hex } from "viem";
import {
  decodeReceipt,
  httpChannel,
  ReceiptSigner,
  type HttpExchange,
} from "../../src/protocol/receipt.ts";
import type { Domain } from "../../src/protocol/typedData.ts";

/** What a client knows of the service that it asked. */
export interface KnownService {
  domain: Domain;
  serviceId: Hex;
  signer: Address;
}

/** Why a receipt does not prove an exchange; undefined when it does. */
export function receiptFault(
  header: string,
  nonce: Hex,
  exchange: HttpExchange,
  service: KnownService,
): string | undefined {
  const receipt = decodeReceipt(header);
  if (receipt.serviceId !== service.serviceId) return "another service";
  if (receipt.nonce !== nonce) return "another nonce";
  if (receipt.channel !== httpChannel(exchange)) return "another exchange";
  if (new ReceiptSigner(service.domain).recover(receipt) !== service.signer) {
    return "another signer";
  }
  return undefined;
}
