import { createPublicKey, randomBytes, sign, type KeyObject } from "node:crypto";
import { der, generalizedTime, inContext, oids, tags } from "./der.ts";

/** What a certificate says (RFC 5280, 4.1). */
export interface CertificateContents {
  issuer: Buffer;
  subject: Buffer;
  /** Unix milliseconds. */
  from: number;
  until: number;
  publicKey: KeyObject;
  /** None makes a certificate of version 1. */
  extensions?: readonly Buffer[];
}

/** Writes a certificate, signed by a key of P-256 with SHA-256, in DER. */
export function signCertificate(contents: CertificateContents, issuerKey: KeyObject): Buffer {
  const { issuer, subject, from, until, publicKey, extensions = [] } = contents;
  const serial = Buffer.concat([Buffer.of(1), randomBytes(15)]);
  const algorithm = der(tags.SEQUENCE, oids.ecdsaSha256);
  const hasExtensions = extensions.length > 0;
  const signed = der(
    tags.SEQUENCE,
    ...(hasExtensions ? [inContext(0, true, der(tags.INTEGER, Buffer.of(2)))] : []),
    der(tags.INTEGER, serial),
    algorithm,
    issuer,
    der(tags.SEQUENCE, generalizedTime(from), generalizedTime(until)),
    subject,
    spkiOf(publicKey),
    ...(hasExtensions ? [inContext(3, true, der(tags.SEQUENCE, ...extensions))] : []),
  );
  const signature = der(tags.BIT_STRING, Buffer.of(0), sign("sha256", signed, issuerKey));
  return der(tags.SEQUENCE, signed, algorithm, signature);
}

/** A public key as certificates hold it. */
export function spkiOf(key: KeyObject): Buffer {
  const shown = key.type === "private" ? createPublicKey(key) : key;
  return shown.export({ type: "spki", format: "der" });
}
