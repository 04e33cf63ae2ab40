import { generateKeyPairSync } from "node:crypto";
import { distinguishedName, oids, pem } from "../../node/der.ts";
import { signCertificate } from "../../node/x509.ts";

/** A TLS certificate and its key, PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

const DAY_MS = 24 * 3600 * 1000;

/**
 * A new self-signed certificate of P-256 (RFC 5280). It proves nothing, and no client checks it: the receipt over the
 * connection's exporter is the proof. So it lives in memory only, each process has its own, and it is written here
 * without a library for certificates (docs/decisions/0045-the-sal.md).
 *
 * @param nowMs Unix milliseconds.
 */
export function createCertificate(nowMs: number): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = distinguishedName([oids.commonName, "blockcloud"]);
  const times = { from: nowMs - DAY_MS, until: nowMs + 365 * DAY_MS };
  const contents = { issuer: name, subject: name, ...times, publicKey };
  return {
    cert: pem(signCertificate(contents, privateKey)),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
