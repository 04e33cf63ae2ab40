/** Parts of X.509 certificates (RFC 5280), written in DER (X.690) without a library for certificates. */

/** Tags of DER (X.690, 8.1.2). */
export const tags = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  UTF8: 0x0c,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** Object identifiers, encoded. */
export const oids = {
  /** ecdsa-with-SHA256 (RFC 5758). */
  ecdsaSha256: oid("2a8648ce3d040302"),
  commonName: oid("550403"),
  organization: oid("55040a"),
  subjectKeyIdentifier: oid("551d0e"),
  keyUsage: oid("551d0f"),
  subjectAltName: oid("551d11"),
  basicConstraints: oid("551d13"),
  nameConstraints: oid("551d1e"),
  authorityKeyIdentifier: oid("551d23"),
  extendedKeyUsage: oid("551d25"),
  serverAuth: oid("2b06010505070301"),
};

/** A value of at most 65,535 bytes with its tag. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), lengthOf(body.length), body]);
}

/** A length in its shortest form, which DER demands (X.690, 10.1). */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  if (length <= 0xff) return Buffer.of(0x81, length);
  return Buffer.of(0x82, length >> 8, length & 0xff);
}

/** A value with a tag of its context (X.690, 8.1.2.4); `isWhole` for one that holds others. */
export function inContext(tag: number, isWhole: boolean, ...parts: readonly Uint8Array[]): Buffer {
  return der((isWhole ? 0xa0 : 0x80) | tag, ...parts);
}

/** A name of one attribute (RFC 5280, 4.1.2.4). */
export function distinguishedName(...attributes: readonly [Buffer, string][]): Buffer {
  const sets = attributes.map(([type, text]) =>
    der(tags.SET, der(tags.SEQUENCE, type, der(tags.UTF8, Buffer.from(text)))),
  );
  return der(tags.SEQUENCE, ...sets);
}

/** A time with a second's precision (RFC 5280, 4.1.2.5.2). */
export function generalizedTime(milliseconds: number): Buffer {
  const digits = new Date(milliseconds)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:T]/g, "");
  return der(tags.GENERALIZED_TIME, Buffer.from(digits));
}

/** An extension (RFC 5280, 4.2). */
export function extension(id: Buffer, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [der(tags.BOOLEAN, Buffer.of(0xff))] : [];
  return der(tags.SEQUENCE, id, ...critical, der(tags.OCTET_STRING, value));
}

/** A certificate in PEM (RFC 7468). */
export function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}
