import type { Hex } from "viem";
import { bytesToHex } from "../../protocol/bytes.ts";
import type { ReceiptSigner } from "../../protocol/receipt.ts";
import type { CompactReceipt } from "../handshake/messages.ts";
import type { ServedService } from "./service.ts";

/** Signs receipts of a service for links. */
export class Prover {
  readonly #service: ServedService;
  readonly #signer: ReceiptSigner;
  readonly #now: () => number;

  /** @param now - The chain's time, Unix milliseconds. */
  constructor(service: ServedService, signer: ReceiptSigner, now: () => number) {
    this.#service = service;
    this.#signer = signer;
    this.#now = now;
  }

  /** A receipt of each of the service's keys. */
  prove(nonce: Buffer, channel: Hex): CompactReceipt[] {
    const { serviceId, keys } = this.#service;
    const issuedAt = BigInt(Math.floor(this.#now()));
    const receipt = { serviceId, nonce: bytesToHex(nonce), channel, issuedAt };
    return keys.map((key) => ({ issuedAt, signature: this.#signer.sign(receipt, key).signature }));
  }
}
