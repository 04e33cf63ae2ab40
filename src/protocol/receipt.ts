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

/** The time by which a receipt may lie outside its epoch, milliseconds (`AuditRounds.RECEIPT_SLACK_MS`). */
export const RECEIPT_SLACK_MS = 60_000;

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
/** Five words, the length word and three words of signature. */
const RECEIPT_BYTES = 9 * 32;
/** Length in base64url. */
const ENCODED_CHARACTERS = (RECEIPT_BYTES * 4) / 3;

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
  // The ABI encoding is written here, in one pass: viem's goes through text, and each array costs as much as a hash.
  const { method, target } = exchange;
  const head = 5 * 32;
  const targetAt = head + tailBytes(method);
  const bytes = new Uint8Array(targetAt + tailBytes(target));
  writeNumber(bytes, 0, head);
  writeNumber(bytes, 32, targetAt);
  bytes.set(exchange.requestDigest, 64);
  writeNumber(bytes, 96, exchange.status);
  bytes.set(exchange.responseDigest, 128);
  writeText(bytes, head, method);
  writeText(bytes, targetAt, target);
  return keccak(bytes);
}

/** Bytes of a text in an ABI tail: its length, and whole words. */
function tailBytes(text: string): number {
  return 32 + 32 * Math.ceil(text.length / 32);
}

/** Writes a number that 32 bits can hold as the word at an offset, where the bytes are 0. */
function writeNumber(bytes: Uint8Array, at: number, value: number): void {
  for (let place = at + 31, rest = value; rest > 0; place--, rest >>>= 8)
    bytes[place] = rest & 0xff;
}

/** Writes a text as an ABI tail, with one byte for each character. */
function writeText(bytes: Uint8Array, at: number, text: string): void {
  writeNumber(bytes, at, text.length);
  for (let n = 0; n < text.length; n++) bytes[at + 32 + n] = text.charCodeAt(n);
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
    // One array for the struct that is hashed and, behind its type, for the encoding.
    const bytes = new Uint8Array(RECEIPT_BYTES + 32);
    bytes.set(RECEIPT_TYPE_HASH);
    bytes.set(serviceId, 32);
    bytes.set(nonce, 64);
    bytes.set(channel, 96);
    bytes.set(word(issuedAt), 128);
    const structHash = keccak(bytes.subarray(0, 160));
    const signature = signDigest(typedDataDigest(this.#separator, structHash), key);
    bytes.set(SIGNATURE_OFFSET, 160);
    bytes[192 + 31] = signature.length;
    bytes.set(signature, 224);
    return encodeBase64Url(bytes.subarray(32));
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
  return new BlockcloudError("RECEIPT_MALFORMED", `Not a service receipt: ${what}.`, {
    cause,
    remedy:
      "Give the value of the header Service-Receipt as it came; a response without it has none.",
  });
}
