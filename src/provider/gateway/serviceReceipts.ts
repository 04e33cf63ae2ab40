import type { Hex } from "viem";
import { hexToBytes } from "../../protocol/bytes.ts";
import { httpChannelBytes, ReceiptSigner, type HttpExchange } from "../../protocol/receipt.ts";
import type { Domain } from "../../protocol/typedData.ts";

export interface ServiceReceiptsOptions {
  serviceId: Hex;
  domain: Domain;
  key: Uint8Array;
}

/** A receipt that will be signed in this turn of the event loop. */
interface Waiting {
  nonce: Hex;
  exchange: HttpExchange;
  resolve(value: string): void;
  reject(error: Error): void;
}

/** Signs the requests and responses of one service. */
export class ServiceReceipts {
  readonly #serviceId: Uint8Array;
  readonly #key: Uint8Array;
  readonly #signer: ReceiptSigner;
  readonly #now: () => number;
  #waiting: Waiting[] = [];

  /** @param now - The chain's time, Unix milliseconds. */
  constructor({ serviceId, domain, key }: ServiceReceiptsOptions, now: () => number) {
    this.#serviceId = hexToBytes(serviceId);
    this.#key = key;
    this.#signer = new ReceiptSigner(domain);
    this.#now = now;
  }

  /**
   * The value of `Service-Receipt` for a client's nonce and a complete exchange.
   *
   * Receipts are signed together after the events of a turn of the event loop: the tables of the curve are larger
   * than the processor's nearest cache, so that a signature between two requests slows down both.
   */
  issue(nonce: Hex, exchange: HttpExchange): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(this.#signAll);
      this.#waiting.push({ nonce, exchange, resolve, reject });
    });
  }

  readonly #signAll = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { nonce, exchange, resolve, reject } of waiting) {
      try {
        resolve(this.#sign(nonce, exchange));
      } catch (error) {
        reject(error as Error);
      }
    }
  };

  #sign(nonce: Hex, exchange: HttpExchange): string {
    const receipt = {
      serviceId: this.#serviceId,
      nonce: hexToBytes(nonce),
      channel: httpChannelBytes(exchange),
      issuedAt: BigInt(Math.floor(this.#now())),
    };
    return this.#signer.issue(receipt, this.#key);
  }
}
