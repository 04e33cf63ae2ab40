import {
  decodeAbiParameters,
  encodeAbiParameters,
  hashTypedData,
  size,
  type AbiParameter,
  type Address,
  type Hex,
} from "viem";
import * as z from "zod";
import { bytesToHex, hexToBytes } from "./bytes.ts";
import { BlockcloudError } from "./errors.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { typedData, type Domain } from "./typedData.ts";

/** The messages that the record network carries, and those that instances of a service hand to their publisher. */
export type MessageName = "EndpointRecord" | "NameRecord" | "Revocation" | "InstanceLease";

/** A decoded message, and its signer. */
export interface SignedMessage<T> {
  message: T;
  signer: Address;
  /** EIP-712 digest of the message; of two with the same version, the lower one wins. */
  digest: Hex;
}

/** A decoded message that fits its schema, and whose signature is not yet checked. */
export interface DecodedMessage<T> {
  message: T;
  signature: Hex;
}

/** Signs, encodes and decodes messages of one kind. */
export interface MessageCodec<T> {
  /** Signs and encodes a message. */
  sign(message: T, domain: Domain, key: Uint8Array): Hex;
  /** Checks size, encoding and schema: cheap, to check version and times before the signature. */
  decode(encoded: Hex): DecodedMessage<T>;
  /** Computes digest and signer of a decoded message: the expensive part. */
  verify(decoded: DecodedMessage<T>, domain: Domain): SignedMessage<T>;
  /** Decodes and verifies. */
  read(encoded: Hex, domain: Domain): SignedMessage<T>;
}

/** Bytes as `0x` and hexadecimal digits. */
export const hexSchema = z.custom<Hex>(
  (value) => typeof value === "string" && /^0x([0-9a-f]{2})*$/i.test(value),
);
/** 32 bytes. */
export const bytes32Schema = hexSchema.refine((value) => value.length === 66, "must have 32 bytes");
/** An unsigned 64-bit number. */
export const uint64Schema = z
  .bigint()
  .min(0n)
  .max((1n << 64n) - 1n);

/**
 * The codec of a kind of message: `abi.encode(message, signature)` over EIP-712 typed data. Each signed
 * message has one encoding, so that peers cannot multiply it by encoding it differently.
 *
 * @param input.what Name of such a message in errors.
 * @param input.code Code of the errors for malformed messages.
 * @param input.maxBytes The largest encoding.
 */
export function messageCodec<T extends Record<string, unknown>>(input: {
  name: MessageName;
  what: string;
  code: string;
  schema: z.ZodType<T>;
  maxBytes: number;
}): MessageCodec<T> {
  const { name, maxBytes } = input;
  const fields = typedData[name].map(toComponent);
  const parameters = [{ type: "tuple", components: fields }, { type: "bytes" }];
  const types = { [name]: typedData[name], Endpoint: typedData.Endpoint };

  const malformed = (what: string, cause?: unknown) =>
    new BlockcloudError(input.code, `Not ${input.what}: ${what}.`, { cause });
  const parse = (value: unknown): T => {
    const parsed = input.schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw malformed(parsed.error.issues[0]?.message ?? "schema", parsed.error);
  };
  const digestOf = (message: T, domain: Domain): Uint8Array =>
    hexToBytes(hashTypedData({ domain, types, primaryType: name, message }));

  const codec: MessageCodec<T> = {
    sign(message, domain, key) {
      const valid = parse(message);
      const signature = bytesToHex(signDigest(digestOf(valid, domain), key));
      const encoded = encodeAbiParameters(parameters, [valid, signature]);
      if (size(encoded) > maxBytes)
        throw malformed(`${size(encoded)} bytes, more than ${maxBytes}`);
      return encoded;
    },
    decode(encoded) {
      if (size(encoded) > maxBytes) throw malformed(`${size(encoded)} bytes`);
      let decoded: readonly [unknown, Hex];
      try {
        decoded = decodeAbiParameters(parameters, encoded) as unknown as typeof decoded;
      } catch (cause) {
        throw malformed("not the ABI encoding", cause);
      }
      const [value, signature] = decoded;
      const message = parse(value);
      if (encodeAbiParameters(parameters, [message, signature]) !== encoded.toLowerCase()) {
        throw malformed("not the canonical ABI encoding");
      }
      return { message, signature };
    },
    verify({ message, signature }, domain) {
      const digest = digestOf(message, domain);
      const signer = recoverSigner(digest, hexToBytes(signature));
      if (signer === undefined) throw malformed("the signature is invalid");
      return { message, signer, digest: bytesToHex(digest) };
    },
    read: (encoded, domain) => codec.verify(codec.decode(encoded), domain),
  };
  return codec;
}

function toComponent(field: { name: string; type: string }): AbiParameter {
  return field.type === "Endpoint[]"
    ? { name: field.name, type: "tuple[]", components: typedData.Endpoint }
    : field;
}
