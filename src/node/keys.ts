import type { Address, Hex } from "viem";
import { bytesToHex } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { addressOfKey } from "../protocol/signature.ts";
import { decryptKeystore, parseKeystore, type Keystore } from "./keystore.ts";
import { refuseSecret } from "./misplaced.ts";
import { readSecretFile } from "./secretFile.ts";

/** Order of secp256k1: a key is between 1 and this value, exclusive (SEC 2, 2.4.1). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The possible sources of a key. */
export interface KeySource {
  /** A file of mode 600 with the key in hexadecimal or encrypted; it precedes the variable. */
  file: string | undefined;
  /** Name of the environment variable. */
  variable: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** A key that was found, and may still need its password. */
export class FoundKey {
  /** Its source, for messages. */
  readonly where: string;
  /** Its address, if it is known without a password. */
  readonly address: Address | undefined;
  readonly #content: Hex | Keystore;

  constructor(where: string, content: Hex | Keystore) {
    this.where = where;
    this.#content = content;
    this.address = typeof content === "string" ? addressOfKey(content) : content.address;
  }

  /** Whether it needs a password. */
  get encrypted(): boolean {
    return typeof this.#content !== "string";
  }

  /**
   * The key.
   *
   * @param password Called only if the key is encrypted.
   * @throws BlockcloudError `KEY_PASSWORD`.
   */
  async unlock(password: (where: string) => Promise<string>): Promise<Hex> {
    if (typeof this.#content === "string") return this.#content;
    const key = await decryptKeystore(this.#content, await password(this.where), this.where);
    return parseKey(key, this.where);
  }
}

/**
 * Finds a private key in a file that only its owner may read, or in an environment variable. Errors never contain the
 * key.
 *
 * @throws BlockcloudError `KEY_MISSING`, `KEY_UNREADABLE`, `KEY_FILE_OPEN`, `KEY_MALFORMED` or `KEY_MISPLACED`.
 */
export function findKey(source: KeySource): FoundKey {
  const { file, variable, env } = source;
  if (file !== undefined) refuseSecret(file);
  const text = file === undefined ? env[variable] : readSecretFile(file, "key");
  const where = file ?? `$${variable}`;
  if (text === undefined || text.trim() === "") {
    throw new BlockcloudError("KEY_MISSING", `No key was found in ${where}.`, {
      remedy: `Name a key file, or set ${variable}.`,
    });
  }
  return foundIn(text.trim(), where);
}

/**
 * Finds any number of private keys: one in each file or, without files, in an environment variable, separated by
 * blanks or commas.
 *
 * @throws BlockcloudError as {@link findKey}; it is no error if there is no key.
 */
export function findKeys(
  source: Omit<KeySource, "file"> & { files: readonly string[] },
): FoundKey[] {
  const { files, variable, env } = source;
  if (files.length > 0) return files.map((file) => findKey({ file, variable, env }));
  const listed = (env[variable] ?? "").split(/[\s,]+/).filter((text) => text !== "");
  return listed.map((text) => foundIn(text, `$${variable}`));
}

/** Whether a text is or may be a private key, which must not be shown. */
export function looksLikeKey(text: string): boolean {
  return /^\s*(0x)?[0-9a-f]{64}\s*$/i.test(text);
}

/**
 * Reads a private key from text.
 *
 * @throws BlockcloudError `KEY_MALFORMED`.
 */
export function parseKey(text: string, where: string): Hex {
  // With or without 0x, because geth writes raw keys without it.
  const [, digits = "0"] = /^(?:0x)?([0-9a-f]{64})$/i.exec(text) ?? [];
  const value = BigInt(`0x${digits}`);
  if (value === 0n || value >= ORDER) {
    throw new BlockcloudError("KEY_MALFORMED", `The key in ${where} is malformed.`, {
      remedy: "Give 64 hexadecimal digits, or an encrypted key file of version 3.",
    });
  }
  return bytesToHex(Buffer.from(digits, "hex"));
}

function foundIn(text: string, where: string): FoundKey {
  return new FoundKey(
    where,
    text.startsWith("{") ? parseKeystore(text, where) : parseKey(text, where),
  );
}
