import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { BlockcloudError } from "../protocol/errors.ts";
import { whyOf } from "./fileFault.ts";

/** Larger than the file of all public authorities, bytes. */
const MAX_BYTES = 1024 * 1024;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the certificates of authorities from a PEM file. Other blocks are left out, a private key among them.
 *
 * @returns The certificates as PEM.
 * @throws BlockcloudError `CERTIFICATE_INVALID`.
 */
export function readCertificates(file: string): string {
  const refuse = (what: string, remedy: string, cause?: unknown) =>
    new BlockcloudError("CERTIFICATE_INVALID", `${file}: ${what}.`, { remedy, cause });
  let text: string;
  try {
    const found = statSync(file);
    if (!found.isFile() || found.size > MAX_BYTES) {
      throw refuse("not a file of at most 1 MiB", "Name the PEM file of the authority.");
    }
    text = readFileSync(file, "latin1");
  } catch (error) {
    if (error instanceof BlockcloudError) throw error;
    throw refuse(whyOf(error), "Check the path and its permissions.", error);
  }
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) throw refuse("no certificate in PEM", "Convert it: openssl x509.");
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch (error) {
      throw refuse(`certificate ${index + 1} is malformed`, "Export it again.", error);
    }
  }
  return blocks.join("\n");
}
