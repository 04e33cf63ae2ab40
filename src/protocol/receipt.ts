import { platform } from "#platform";
import { decodeAbiParameters, size, type Address, type Hex } from "viem";
import { decodeBase64Url, encodeBase64Url } from "./base64url.ts";
import { abiTail, bytesToHex, concatBytes, hexToBytes, keccak, word } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { domainSeparator, typedDataDigest, typeHash, type Domain } from "./typedData.ts";

/** Request header with a client's nonce: 0x and 64 hexadecimal digits. */
export const NONCE_HEADER = "service-nonce";
/** Response header, or trailer, with the receipt. */
export const RECEIPT_HEADER = "service-receipt";

/** The data that a service signs for every client that sends a nonce. */
export interface ServiceReceipt {
  serviceId: Hex;
  nonce: Hex;
  /** The hash of request and response: over HTTP, {@link httpChannel}. */
  channel: Hex;
  /** Milliseconds since the Unix epoch, by the chain's clock. */
  issuedAt: bigint;
}

export interface SignedReceipt extends ServiceReceipt {
  /** 65 bytes. */
  signature: Hex;
}

/** A receipt before it is signed, as bytes: each field has 32 of them. */
export interface ReceiptFields {
  serviceId: Uint8Array;
  nonce: Uint8Array;
  channel: Uint8Array;
  issuedAt: bigint;
}

/** The parts of request and response that a receipt over HTTP covers. */
export interface HttpExchange {
  /** Upper case. */
  method: string;
  /** The origin-form bytes of the request line, one character per byte. */
  target: string;
  /** SHA-256 of the request body. */
  requestDigest: Uint8Array;
  status: number;
  /** SHA-256 of the response body as sent, in identity coding. */
  responseDigest: Uint8Array;
}

const RECEIPT_TYPE_HASH = typeHash("ServiceReceipt");
const receiptParameters = [
  { type: "bytes32" },
  { type: "bytes32" },
  { type: "bytes32" },
  { type: "uint64" },
  { type: "bytes" },
] as const;
const SIGNATURE_OFFSET = word(5 * 32);
/** Length in base64url: five words, the length word and three words of signature. */
const ENCODED_CHARACTERS = (9 * 32 * 4) / 3;

/** SHA-256, the digest that channels use. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return platform.sha256(bytes);
}

/** SHA-256 of an empty body. */
export const EMPTY_DIGEST: Uint8Array = sha256(new Uint8Array());

/**
 * Channel of a receipt over HTTP.
 *
 * @example
 * const channel = httpChannel({
 *   method: "GET",
 *   target: "/forecast",
 *   requestDigest: EMPTY_DIGEST,
 *   status: 200,
 *   responseDigest: sha256(body),
 * });
 */
export function httpChannel(exchange: HttpExchange): Hex {
  return bytesToHex(httpChannelBytes(exchange));
}

/** The same as bytes. */
export function httpChannelBytes(exchange: HttpExchange): Uint8Array {
  // The ABI encoding is written here, because viem's goes through text: 5.7% of the gateway's time.
  const method = abiTail(latin1(exchange.method));
  const target = abiTail(latin1(exchange.target));
  const head = 5 * 32;
  return keccak(
    concatBytes(
      word(head),
      word(head + method.length),
      exchange.requestDigest,
      word(exchange.status),
      exchange.responseDigest,
      method,
      target,
    ),
  );
}

/** Encodes a text with one byte per character. */
function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Whether a header value is a nonce. */
export function isNonce(value: unknown): value is Hex {
  return typeof value === "string" && /^0x[0-9a-f]{64}$/i.test(value);
}

/**
 * Signs and verifies the receipts of one deployment; its domain is hashed once.
 *
 * @example
 * const receipts = new ReceiptSigner(blockcloudDomain(11155111n, registry));
 * const signer = receipts.recover(decodeReceipt(header));
 */
export class ReceiptSigner {
  readonly #separator: Uint8Array;

  constructor(domain: Domain) {
    this.#separator = hexToBytes(domainSeparator(domain));
  }

  /** The EIP-712 digest of a receipt. */
  digest(receipt: ServiceReceipt): Uint8Array {
    return this.#digest(fieldsOf(receipt));
  }

  /** Signs a receipt with the service key. */
  sign(receipt: ServiceReceipt, key: Uint8Array): SignedReceipt {
    return { ...receipt, signature: bytesToHex(signDigest(this.digest(receipt), key)) };
  }

  /** Signs a receipt and encodes it: as `encodeReceipt(sign(receipt, key))`, but without text between. */
  issue(receipt: ReceiptFields, key: Uint8Array): string {
    const { serviceId, nonce, channel, issuedAt } = receipt;
    const fields = concatBytes(serviceId, nonce, channel, word(issuedAt));
    return encode(fields, signDigest(this.#digest(fields), key));
  }

  #digest(fields: Uint8Array): Uint8Array {
    return typedDataDigest(this.#separator, keccak(concatBytes(RECEIPT_TYPE_HASH, fields)));
  }

  /** The signer of a receipt; undefined if the signature is invalid. */
  recover(receipt: SignedReceipt): Address | undefined {
    return recoverSigner(this.digest(receipt), hexToBytes(receipt.signature));
  }
}

/**
 * Encodes a receipt as the header's value: base64url of the ABI encoding.
 *
 * @throws RangeError for a field of another size than its type's.
 */
export function encodeReceipt(receipt: SignedReceipt): string {
  return encode(fieldsOf(receipt), hexToBytes(receipt.signature));
}

/** The four fields of a receipt as ABI words. */
function fieldsOf({ serviceId, nonce, channel, issuedAt }: ServiceReceipt): Uint8Array {
  const words = [serviceId, nonce, channel].map((field) => hexToBytes(field));
  if (words.some(({ length }) => length !== 32) || issuedAt < 0n || issuedAt >> 64n !== 0n) {
    throw new RangeError("A field of the receipt has another size than its type.");
  }
  return concatBytes(...words, word(issuedAt));
}

/** The ABI encoding: four words, the offset of the signature, and the signature with its length. */
function encode(fields: Uint8Array, signature: Uint8Array): string {
  return encodeBase64Url(concatBytes(fields, SIGNATURE_OFFSET, abiTail(signature)));
}

/**
 * Decodes a receipt from a stranger's header. Each receipt has one encoding; any other is refused.
 *
 * @throws BlockcloudError `RECEIPT_MALFORMED`.
 * @example
 * const { serviceId, nonce } = decodeReceipt(response.headers.get("service-receipt") ?? "");
 */
export function decodeReceipt(header: string): SignedReceipt {
  // The length is checked first, because a stranger's header may be long.
  const bytes = header.length === ENCODED_CHARACTERS ? decodeBase64Url(header) : undefined;
  if (bytes === undefined) throw malformedReceipt(`${header.length} characters`);
  let receipt: SignedReceipt;
  let canonical: string;
  try {
    const [serviceId, nonce, channel, issuedAt, signature] = decodeAbiParameters(
      receiptParameters,
      bytesToHex(bytes),
    );
    receipt = { serviceId, nonce, channel, issuedAt, signature };
    // viem's decoder accepts any offset, any padding and numbers above their type's range; its encoder does
    // not.
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
