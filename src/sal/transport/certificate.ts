import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A TLS certificate and its key, PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

const DAY_MS = 24 * 3600 * 1000;
/** Tags of DER (X.690, 8.1.2). */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8 = 0x0c;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
/** Object identifiers, encoded: ecdsa-with-SHA256 (RFC 5758) and commonName (RFC 5280). */
const ECDSA_SHA256 = Buffer.from("06082a8648ce3d040302", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");

/**
 * A new self-signed certificate of P-256 (RFC 5280). It proves nothing, and no client checks it: the receipt over the
 * connection's exporter is the proof. So it lives in memory only, each process has its own, and it is written here
 * without a library for certificates (docs/decisions/0045-the-sal.md).
 *
 * @param nowMs Unix milliseconds.
 */
export function createCertificate(nowMs: number): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const serial = Buffer.concat([Buffer.of(1), randomBytes(15)]);
  const algorithm = der(SEQUENCE, ECDSA_SHA256);
  const name = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, Buffer.from("blockcloud")))),
  );
  const validity = der(SEQUENCE, time(nowMs - DAY_MS), time(nowMs + 365 * DAY_MS));
  const signed = der(
    SEQUENCE,
    der(INTEGER, serial),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = der(BIT_STRING, Buffer.of(0), sign("sha256", signed, privateKey));
  const certificate = der(SEQUENCE, signed, algorithm, signature);
  return {
    cert: pem(certificate),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length =
    body.length < 0x80
      ? Buffer.of(body.length)
      : Buffer.of(0x82, body.length >> 8, body.length & 0xff);
  return Buffer.concat([Buffer.of(tag), length, body]);
}

function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:T]/g, "");
  return der(GENERALIZED_TIME, Buffer.from(digits));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").replace(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
