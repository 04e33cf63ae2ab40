import { createHash } from "node:crypto";
import {
  decodeAbiParameters,
  encodeAbiParameters,
  keccak256,
  size,
  type Address,
  type Hex,
} from "viem";
import { bytesToHex, concatBytes, hexToBytes, keccak, word } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { domainSeparator, typedDataDigest, typeHash, type Domain } from "./typedData.ts";

/** Request header with a client's nonce: 0x and 64 hexadecimal digits. */
export const NONCE_HEADER = "service-nonce";
/** Response header, or trailer, with the receipt. */
export const RECEIPT_HEADER = "service-receipt";

/** What a service signs for every client that sends a nonce. */
export interface ServiceReceipt {
  serviceId: Hex;
  nonce: Hex;
  /** What the receipt is bound to: over HTTP, {@link httpChannel}. */
  channel: Hex;
  /** Milliseconds since the Unix epoch, by the chain's clock. */
  issuedAt: bigint;
}

export interface SignedReceipt extends ServiceReceipt {
  /** 65 bytes. */
  signature: Hex;
}

/** What was asked and what was served, as far as a receipt over HTTP binds it. */
export interface HttpExchange {
  /** Upper case. */
  method: string;
  /** The origin-form bytes of the request line, one character a byte. */
  target: string;
  /** SHA-256 of the request body. */
  requestDigest: Uint8Array;
  status: number;
  /** SHA-256 of the response body as sent, in identity coding. */
  responseDigest: Uint8Array;
}

const RECEIPT_TYPE_HASH = typeHash("ServiceReceipt");
const channelParameters = [
  { type: "string" },
  { type: "bytes" },
  { type: "bytes32" },
  { type: "uint16" },
  { type: "bytes32" },
] as const;
const receiptParameters = [
  { type: "bytes32" },
  { type: "bytes32" },
  { type: "bytes32" },
  { type: "uint64" },
  { type: "bytes" },
] as const;
/** Five words, the length word and three words of signature. */
const ENCODED_BYTES = 9 * 32;

/** SHA-256, the digest that channels use. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** SHA-256 of an empty body. */
export const EMPTY_DIGEST: Uint8Array = sha256(new Uint8Array());

/** Channel of a receipt over HTTP. */
export function httpChannel(exchange: HttpExchange): Hex {
  return keccak256(
    encodeAbiParameters(channelParameters, [
      exchange.method,
      bytesToHex(Buffer.from(exchange.target, "latin1")),
      bytesToHex(exchange.requestDigest),
      exchange.status,
      bytesToHex(exchange.responseDigest),
    ]),
  );
}

/** Whether a header value is a nonce. */
export function isNonce(value: unknown): value is Hex {
  return typeof value === "string" && /^0x[0-9a-f]{64}$/i.test(value);
}

/** Signs and checks the receipts of one deployment; its domain is hashed once. */
export class ReceiptSigner {
  readonly #separator: Uint8Array;

  constructor(domain: Domain) {
    this.#separator = hexToBytes(domainSeparator(domain));
  }

  /** The EIP-712 digest of a receipt. */
  digest(receipt: ServiceReceipt): Uint8Array {
    const structHash = keccak(
      concatBytes(
        RECEIPT_TYPE_HASH,
        hexToBytes(receipt.serviceId),
        hexToBytes(receipt.nonce),
        hexToBytes(receipt.channel),
        word(receipt.issuedAt),
      ),
    );
    return typedDataDigest(this.#separator, structHash);
  }

  /** Signs a receipt with the service key. */
  sign(receipt: ServiceReceipt, key: Uint8Array): SignedReceipt {
    return { ...receipt, signature: bytesToHex(signDigest(this.digest(receipt), key)) };
  }

  /** Who signed a receipt, or undefined when nobody did. */
  recover(receipt: SignedReceipt): Address | undefined {
    return recoverSigner(this.digest(receipt), hexToBytes(receipt.signature));
  }
}

/** The header's value: base64url of the ABI encoding. */
export function encodeReceipt(receipt: SignedReceipt): string {
  const encoded = encodeAbiParameters(receiptParameters, [
    receipt.serviceId,
    receipt.nonce,
    receipt.channel,
    receipt.issuedAt,
    receipt.signature,
  ]);
  return Buffer.from(hexToBytes(encoded)).toString("base64url");
}

/**
 * Reads a receipt from a header that a stranger sent. Each receipt has one encoding; no other is read.
 *
 * @throws BlockcloudError `RECEIPT_MALFORMED`.
 */
export function decodeReceipt(header: string): SignedReceipt {
  const bytes = Buffer.from(header, "base64url");
  if (bytes.length !== ENCODED_BYTES || bytes.toString("base64url") !== header) {
    throw malformedReceipt(`${header.length} characters`);
  }
  let receipt: SignedReceipt;
  let canonical: string;
  try {
    const [serviceId, nonce, channel, issuedAt, signature] = decodeAbiParameters(
      receiptParameters,
      bytesToHex(bytes),
    );
    receipt = { serviceId, nonce, channel, issuedAt, signature };
    // viem's decoder takes any offset, any padding and numbers above their type; its encoder does not.
    canonical = encodeReceipt(receipt);
  } catch (cause) {
    throw malformedReceipt("not the ABI encoding", cause);
  }
  if (canonical !== header) throw malformedReceipt("not the canonical ABI encoding");
  if (size(receipt.signature) !== 65) {
    throw malformedReceipt(`a signature of ${size(receipt.signature)} bytes`);
  }
  return receipt;
}

function malformedReceipt(what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("RECEIPT_MALFORMED", `Not a service receipt: ${what}.`, { cause });
}
