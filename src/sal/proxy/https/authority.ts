import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import {
  der,
  distinguishedName,
  extension,
  inContext,
  oids,
  pem,
  tags,
} from "../../../node/der.ts";
import { signCertificate, spkiOf } from "../../../node/x509.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { canonicalName, ZONE, ZONES } from "../../../protocol/name.ts";

const DAY_MS = 24 * 3600 * 1000;
/** How long the authority is valid: it must be installed again after that. */
const AUTHORITY_MS = 5 * 365 * DAY_MS;
/** How long a page's certificate is valid; the proxy writes a new one in time. */
const LEAF_MS = 30 * DAY_MS;
/** Clocks of programs may be behind. */
const BACKDATED_MS = DAY_MS;

/** A certificate authority for the names of services, as it is kept on disk; PEM. */
export interface AuthorityFiles {
  /** The root, which is installed. Its key was never written. */
  root: string;
  /** The certificate that signs those of pages, and its key. */
  issuer: string;
  key: string;
}

/**
 * Creates an authority. Both its certificates may speak for names under the zones of services only (RFC 5280, 4.2.1.10):
 * RFC 5280 lets a program ignore what an installed root says of itself, so the issuer below it is bound as well, and
 * the root's key is gone when the function returns.
 *
 * @param nowMs Unix milliseconds.
 */
export function createAuthority(nowMs: number): AuthorityFiles {
  const rootPair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuerPair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const mark = keyId(rootPair.publicKey).toString("hex", 0, 4);
  const rootName = nameOf(`Blockcloud services on this host ${mark}`);
  const issuerName = nameOf(`Blockcloud services on this host ${mark} issuer`);
  const times = { from: nowMs - BACKDATED_MS, until: nowMs + AUTHORITY_MS };
  const root = signCertificate(
    {
      ...{ issuer: rootName, subject: rootName, ...times, publicKey: rootPair.publicKey },
      extensions: authorityExtensions(rootPair.publicKey, undefined, 1),
    },
    rootPair.privateKey,
  );
  const issuer = signCertificate(
    {
      ...{ issuer: rootName, subject: issuerName, ...times, publicKey: issuerPair.publicKey },
      extensions: authorityExtensions(issuerPair.publicKey, rootPair.publicKey, 0),
    },
    rootPair.privateKey,
  );
  const key = issuerPair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { root: pem(root), issuer: pem(issuer), key };
}

/** A root certificate, which may be installed. */
export interface Root {
  /** PEM. */
  certificate: string;
  /** Its common name. */
  name: string;
  /** SHA-256, as programs show it. */
  fingerprint: string;
}

/** Reads a root; throws for a text that is none. */
export function rootOf(certificate: string): Root {
  const { subject, fingerprint256 } = new X509Certificate(certificate);
  const name = subject.replace(/^[^]*CN=/, "");
  return { certificate, name, fingerprint: fingerprint256 };
}

/** A certificate for a page. */
export interface Leaf {
  /** The certificate and its issuer's. */
  cert: string;
  key: string;
  /** Unix milliseconds. */
  until: number;
}

/** Writes certificates for names of services. */
export class Authority {
  /** Unix milliseconds. */
  readonly until: number;
  readonly root: Root;
  readonly #issuer: string;
  readonly #issuerName: Buffer;
  readonly #issuerKey: KeyObject;
  /** One key for all pages: it never leaves this process. */
  readonly #leaf = generateKeyPairSync("ec", { namedCurve: "P-256" });

  /** @throws BlockcloudError `PROXY_CA` if the files do not belong together. */
  constructor({ root, issuer, key }: AuthorityFiles) {
    try {
      const certificate = new X509Certificate(issuer);
      this.#issuerKey = createPrivateKey(key);
      if (!certificate.checkPrivateKey(this.#issuerKey)) throw new Error("another's key");
      if (!certificate.verify(new X509Certificate(root).publicKey)) throw new Error("another root");
      this.until = certificate.validToDate.getTime();
      this.root = rootOf(root);
      this.#issuer = issuer;
      this.#issuerName = subjectOf(certificate.raw);
    } catch (cause) {
      throw new BlockcloudError("PROXY_CA", "The files of the proxy's authority do not fit.", {
        cause,
        remedy: "Run blockcloud proxy ca remove, then install: a new authority is made.",
      });
    }
  }

  /**
   * A certificate for a service's name, in both zones.
   *
   * @param nowMs Unix milliseconds.
   * @throws BlockcloudError `NAME_INVALID`.
   */
  leaf(name: string, nowMs: number): Leaf {
    const inner = canonicalName(name).slice(0, -ZONE.length);
    const names = ZONES.map((zone) => `${inner}${zone}`);
    const until = Math.min(nowMs + LEAF_MS, this.until);
    const { publicKey, privateKey } = this.#leaf;
    const certificate = signCertificate(
      {
        ...{ issuer: this.#issuerName, subject: der(tags.SEQUENCE), publicKey },
        ...{ from: nowMs - BACKDATED_MS, until },
        extensions: leafExtensions(names, publicKey, this.#issuerKey),
      },
      this.#issuerKey,
    );
    return {
      cert: `${pem(certificate)}${this.#issuer}`,
      key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      until,
    };
  }
}

function nameOf(commonName: string): Buffer {
  return distinguishedName([oids.organization, "Blockcloud"], [oids.commonName, commonName]);
}

/** @param above The key that signs; undefined for the root. */
function authorityExtensions(
  own: KeyObject,
  above: KeyObject | undefined,
  pathLength: number,
): Buffer[] {
  const isAuthority = der(tags.BOOLEAN, Buffer.of(0xff));
  const length = der(tags.INTEGER, Buffer.of(pathLength));
  return [
    extension(oids.basicConstraints, true, der(tags.SEQUENCE, isAuthority, length)),
    // keyCertSign and cRLSign.
    extension(oids.keyUsage, true, der(tags.BIT_STRING, Buffer.of(1, 0x06))),
    extension(oids.extendedKeyUsage, false, der(tags.SEQUENCE, oids.serverAuth)),
    extension(oids.nameConstraints, true, nameConstraints()),
    extension(oids.subjectKeyIdentifier, false, der(tags.OCTET_STRING, keyId(own))),
    ...(above === undefined ? [] : [authorityKey(above)]),
  ];
}

function leafExtensions(names: readonly string[], own: KeyObject, above: KeyObject): Buffer[] {
  const alternatives = names.map((name) => inContext(2, false, Buffer.from(name, "latin1")));
  return [
    extension(oids.basicConstraints, true, der(tags.SEQUENCE)),
    // digitalSignature.
    extension(oids.keyUsage, true, der(tags.BIT_STRING, Buffer.of(7, 0x80))),
    extension(oids.extendedKeyUsage, false, der(tags.SEQUENCE, oids.serverAuth)),
    // Critical, because the subject is empty (RFC 5280, 4.2.1.6).
    extension(oids.subjectAltName, true, der(tags.SEQUENCE, ...alternatives)),
    extension(oids.subjectKeyIdentifier, false, der(tags.OCTET_STRING, keyId(own))),
    authorityKey(above),
  ];
}

/** Names under the zones, and no address: a constraint on names says nothing of addresses. */
function nameConstraints(): Buffer {
  const permitted = ZONES.map((zone) => inContext(2, false, Buffer.from(zone, "latin1")));
  const excluded = [8, 32].map((bytes) => inContext(7, false, Buffer.alloc(bytes)));
  return der(
    tags.SEQUENCE,
    inContext(0, true, ...permitted.map((base) => der(tags.SEQUENCE, base))),
    inContext(1, true, ...excluded.map((base) => der(tags.SEQUENCE, base))),
  );
}

function authorityKey(key: KeyObject): Buffer {
  return extension(
    oids.authorityKeyIdentifier,
    false,
    der(tags.SEQUENCE, inContext(0, false, keyId(key))),
  );
}

/** An identifier of a key (RFC 7093, 2). */
function keyId(key: KeyObject): Buffer {
  return createHash("sha256").update(spkiOf(key)).digest().subarray(0, 20);
}

/** The subject of one of this file's authorities, as it was written. */
function subjectOf(certificate: Buffer): Buffer {
  // Certificate, then what is signed: version, serial, algorithm, issuer, times, subject.
  let at = contentAt(certificate, contentAt(certificate, 0));
  for (let skipped = 0; skipped < 5; skipped += 1) at = endAt(certificate, at);
  return certificate.subarray(at, endAt(certificate, at));
}

function contentAt(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? 0;
  return at + 2 + (first < 0x80 ? 0 : first & 0x7f);
}

function endAt(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? 0;
  const length = first < 0x80 ? first : bytes.readUIntBE(at + 2, first & 0x7f);
  return contentAt(bytes, at) + length;
}
