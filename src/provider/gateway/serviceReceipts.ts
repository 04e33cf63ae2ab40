import type { Hex } from "viem";
import { hexToBytes } from "../../protocol/bytes.ts";
import { httpChannelBytes, ReceiptSigner, type HttpExchange } from "../../protocol/receipt.ts";
import type { Domain } from "../../protocol/typedData.ts";

export interface ServiceReceiptsOptions {
  serviceId: Hex;
  domain: Domain;
  key: Uint8Array;
}

/** Signs the requests and responses of one service. */
export class ServiceReceipts {
  readonly #serviceId: Uint8Array;
  readonly #key: Uint8Array;
  readonly #signer: ReceiptSigner;
  readonly #now: () => number;

  /** @param now - The chain's time, Unix milliseconds. */
  constructor({ serviceId, domain, key }: ServiceReceiptsOptions, now: () => number) {
    this.#serviceId = hexToBytes(serviceId);
    this.#key = key;
    this.#signer = new ReceiptSigner(domain);
    this.#now = now;
  }

  /** The value of `Service-Receipt` for a client's nonce and a complete exchange. */
  issue(nonce: Hex, exchange: HttpExchange): string {
    const receipt = {
      serviceId: this.#serviceId,
      nonce: hexToBytes(nonce),
      channel: httpChannelBytes(exchange),
      issuedAt: BigInt(Math.floor(this.#now())),
    };
    return this.#signer.issue(receipt, this.#key);
  }
}
