import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";

/** A certificate and its key, as `node:tls` takes them. */
export interface Certificate {
  cert: string;
  key: string;
  name: string;
}

interface CertificateOptions {
  name: string;
  /** The names that it is good for. */
  hosts?: readonly string[];
  /** The signing certificate; without one it is self-signed. */
  issuer?: Certificate;
  notBefore?: string;
  notAfter?: string;
}

/** Makes an X.509 certificate (RFC 5280) for P-256; dates as `YYMMDDhhmmssZ`. */
export function makeCertificate(options: CertificateOptions): Certificate {
  const {
    name,
    hosts = [],
    issuer,
    notBefore = "200101000000Z",
    notAfter = "491231235959Z",
  } = options;
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const signer: KeyObject = issuer ? createPrivateKey(issuer.key) : pair.privateKey;
  const extensions =
    hosts.length > 0
      ? extension(SUBJECT_ALT_NAME, sequence(...hosts.map((host) => tagged(0x82, ascii(host)))))
      : extension(BASIC_CONSTRAINTS, sequence(Buffer.from([1, 1, 0xff])));
  const body = sequence(
    tagged(0xa0, Buffer.from([2, 1, 2])),
    Buffer.from([2, 1, ++serial]),
    ECDSA_SHA256,
    distinguished(issuer?.name ?? name),
    sequence(tagged(0x17, ascii(notBefore)), tagged(0x17, ascii(notAfter))),
    distinguished(name),
    pair.publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(extensions)),
  );
  const signature = tagged(3, Buffer.concat([Buffer.of(0), sign("sha256", body, signer)]));
  const der = sequence(body, ECDSA_SHA256, signature).toString("base64");
  const lines = der.match(/.{1,64}/g)?.join("\n") ?? "";
  return { cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`, key, name };
}

let serial = 0;
const COMMON_NAME = Buffer.from([6, 3, 0x55, 4, 3]);
const BASIC_CONSTRAINTS = Buffer.from([6, 3, 0x55, 0x1d, 0x13]);
const SUBJECT_ALT_NAME = Buffer.from([6, 3, 0x55, 0x1d, 0x11]);
const ECDSA_SHA256 = sequence(Buffer.from([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]));

/** A DER value (X.690): tag, length, content. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function ascii(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

function distinguished(name: string): Buffer {
  return sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, ascii(name)))));
}

function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, tagged(4, value));
}
