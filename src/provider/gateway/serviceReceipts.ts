import type { Hex } from "viem";
import {
  encodeReceipt,
  httpChannel,
  ReceiptSigner,
  type HttpExchange,
} from "../../protocol/receipt.ts";
import type { Domain } from "../../protocol/typedData.ts";

export interface ServiceReceiptsOptions {
  serviceId: Hex;
  domain: Domain;
  key: Uint8Array;
}

/** Signs the requests and responses of one service. */
export class ServiceReceipts {
  readonly #options: ServiceReceiptsOptions;
  readonly #signer: ReceiptSigner;
  readonly #now: () => number;

  /** @param now - The chain's time, Unix milliseconds. */
  constructor(options: ServiceReceiptsOptions, now: () => number) {
    this.#options = options;
    this.#signer = new ReceiptSigner(options.domain);
    this.#now = now;
  }

  /** The value of `Service-Receipt` for a client's nonce and a complete exchange. */
  issue(nonce: Hex, exchange: HttpExchange): string {
    const { serviceId, key } = this.#options;
    const receipt = {
      serviceId,
      nonce,
      channel: httpChannel(exchange),
      issuedAt: BigInt(Math.floor(this.#now())),
    };
    return encodeReceipt(this.#signer.sign(receipt, key));
  }
}
