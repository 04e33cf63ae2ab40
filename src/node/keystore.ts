import { getAddress, isAddress, type Address, type Hex } from "viem";
import * as z from "zod";
import { BlockcloudError } from "../protocol/errors.ts";

/**
 * Keys at rest: Web3 Secret Storage, version 3.
 * https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage/
 */

/** Memory that scrypt may take for a file that somebody gave us, bytes: twice geth's own. */
const MAX_SCRYPT_BYTES = 512 * 1024 * 1024;
/** Rounds of PBKDF2 that block this process for a few seconds at most. */
const MAX_PBKDF2_ROUNDS = 2_000_000;
const MAX_PARALLEL = 16;

const positive = z.number().int().positive();
const scrypt = z
  .object({ n: positive, r: positive, p: positive.max(MAX_PARALLEL) })
  .refine(({ n, r }) => 128 * n * r <= MAX_SCRYPT_BYTES, "asks for too much memory");
const pbkdf2 = z.object({ c: positive.max(MAX_PBKDF2_ROUNDS, "asks for too many rounds") });
const cryptography = z.union([
  z.object({ kdf: z.literal("scrypt"), kdfparams: scrypt }),
  z.object({ kdf: z.literal("pbkdf2"), kdfparams: pbkdf2 }),
]);

/** An encrypted key as it stands in its file, checked as far as that needs no password. */
export interface Keystore {
  readonly json: string;
  /** What the file says its address is; it is checked when it is decrypted. */
  readonly address: Address | undefined;
}

/**
 * Reads an encrypted key, without its password. A file that asks for more memory or time than a key is
 * worth is refused before anything is derived from it.
 *
 * @param where Names it in errors.
 * @throws BlockcloudError `KEY_MALFORMED`.
 */
export function parseKeystore(json: string, where: string): Keystore {
  const malformed = (why: string) =>
    new BlockcloudError("KEY_MALFORMED", `${where} is no encrypted key: ${why}.`, {
      remedy: "Give a Web3 Secret Storage file of version 3, as blockcloud key new writes it.",
    });
  let fields: Record<string, unknown>;
  try {
    // Writers spell names in any case (`Crypto`); from here on there is one spelling, so that what is
    // checked is what is decrypted.
    const content: unknown = JSON.parse(json);
    if (typeof content !== "object" || content === null) throw new Error("no object");
    fields = lowerCase(content) as Record<string, unknown>;
  } catch {
    throw malformed("not JSON");
  }
  if (fields.version !== 3) throw malformed("not version 3");
  const parsed = cryptography.safeParse(fields.crypto);
  if (!parsed.success) throw malformed("its key derivation is unknown or asks for too much");
  const address =
    typeof fields.address === "string" ? `0x${fields.address.replace(/^0x/, "")}` : "";
  return {
    json: JSON.stringify(fields),
    address: isAddress(address, { strict: false }) ? getAddress(address) : undefined,
  };
}

/**
 * The bytes that a password may stand for. Writers disagree: geth and Foundry take it as it was typed, the
 * format's JavaScript libraries in the form NFKC, and keyboards type the same letter composed or not.
 */
function passwordForms(password: string): Uint8Array[] {
  const forms = ["NFKC", "NFC", "NFD"].map((form) => password.normalize(form));
  return [...new Set([password, ...forms])].map((form) => Buffer.from(form, "utf8"));
}

/**
 * Decrypts a key.
 *
 * @param password As typed; its other forms are tried where that does not open the file.
 * @throws BlockcloudError `KEY_PASSWORD` when the password is wrong, or the file damaged.
 */
export async function decryptKeystore(
  keystore: Keystore,
  password: string,
  where: string,
): Promise<Hex> {
  const { decryptKeystoreJson } = await import("ethers");
  for (const form of passwordForms(password)) {
    try {
      return (await decryptKeystoreJson(keystore.json, form)).privateKey as Hex;
    } catch {
      // Not kept as a cause: nothing that has seen key or password goes on.
    }
  }
  throw new BlockcloudError("KEY_PASSWORD", `The password does not open ${where}.`, {
    remedy: "Check the password; if it is right, the file is damaged: restore it.",
  });
}

/** Encrypts a key with scrypt, by the password as it was typed, as geth and Foundry do. @param cost `N` of scrypt; tests take less than the default 2^17. */
export async function encryptKeystore(
  key: Hex,
  address: Address,
  password: string,
  cost = 131_072,
): Promise<string> {
  const { encryptKeystoreJson } = await import("ethers");
  const typed = Buffer.from(password, "utf8");
  const json = await encryptKeystoreJson({ address, privateKey: key }, typed, {
    scrypt: { N: cost },
  });
  return `${json}\n`;
}

function lowerCase(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name.toLowerCase(), lowerCase(inner)]),
  );
}
