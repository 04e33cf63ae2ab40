import { getAddress, isAddress, type Address, type Hex } from "viem";
import * as z from "zod";
import { BlockcloudError } from "../protocol/errors.ts";

/**
 * Encrypted keys: Web3 Secret Storage, version 3.
 * https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage/
 */

/** Memory limit of scrypt for a foreign file, bytes: twice geth's memory. */
const MAX_SCRYPT_BYTES = 512 * 1024 * 1024;
/** Limit of PBKDF2 rounds; they block this process for at most a few seconds. */
const MAX_PBKDF2_ROUNDS = 2_000_000;
const MAX_PARALLEL = 16;
/** Limit of scrypt's `n * r * p`, which its time is proportional to: eight times geth's. */
const MAX_SCRYPT_WORK = 2 ** 24;

const positive = z.number().int().positive();
const bytes = (count: number) => z.string().regex(new RegExp(`^(0x)?[0-9a-f]{${2 * count}}$`, "i"));
const derived = z.object({
  // The first half is the cipher's key, the second half makes the checksum. Other lengths exist in no program.
  dklen: z.literal(32),
  salt: z.string().regex(/^(0x)?([0-9a-f]{2}){1,64}$/i),
});
const scrypt = derived
  .extend({ n: positive, r: positive, p: positive.max(MAX_PARALLEL) })
  .refine(({ n }) => n > 1 && Number.isInteger(Math.log2(n)), "is not a power of two")
  .refine(({ n, r }) => 128 * n * r <= MAX_SCRYPT_BYTES, "needs too much memory")
  .refine(({ n, r, p }) => n * r * p <= MAX_SCRYPT_WORK, "needs too much time");
const pbkdf2 = derived.extend({ c: positive.max(MAX_PBKDF2_ROUNDS, "has too many rounds") });
const encrypted = z.object({
  cipher: z.literal("aes-128-ctr"),
  cipherparams: z.object({ iv: bytes(16) }),
  ciphertext: bytes(32),
  mac: bytes(32),
});
const cryptography = z.union([
  encrypted.extend({ kdf: z.literal("scrypt"), kdfparams: scrypt }),
  encrypted.extend({ kdf: z.literal("pbkdf2"), kdfparams: pbkdf2 }),
]);

/** An encrypted key from a file, checked without its password. */
export interface Keystore {
  readonly json: string;
  /** The address in the file; decryption checks it. */
  readonly address: Address | undefined;
}

/**
 * Reads an encrypted key without its password. A file whose key derivation needs too much memory or time is refused
 * before the derivation, and so is a file that no password can open.
 *
 * @param where Name of the file in errors.
 * @throws BlockcloudError `KEY_MALFORMED`.
 */
export function parseKeystore(json: string, where: string): Keystore {
  const malformed = (why: string) =>
    new BlockcloudError("KEY_MALFORMED", `${where} is not an encrypted key: ${why}.`, {
      remedy: "Give a Web3 Secret Storage file of version 3, as blockcloud key new writes it.",
    });
  let fields: Record<string, unknown>;
  try {
    // Programs write names in any case (`Crypto`). One spelling from here on ensures that the checked fields are the
    // decrypted ones.
    const content: unknown = JSON.parse(json);
    if (typeof content !== "object" || content === null) throw new Error("no object");
    fields = lowerCase(content) as Record<string, unknown>;
  } catch {
    throw malformed("not JSON");
  }
  if (fields.version !== 3) throw malformed("not version 3");
  const parsed = cryptography.safeParse(fields.crypto);
  if (!parsed.success) {
    throw malformed(
      "a part is missing, or its cipher or key derivation is unknown or too expensive",
    );
  }
  const address =
    typeof fields.address === "string" ? `0x${fields.address.replace(/^0x/, "")}` : "";
  return {
    json: JSON.stringify(fields),
    address: isAddress(address, { strict: false }) ? getAddress(address) : undefined,
  };
}

/**
 * The possible bytes of a password. geth and Foundry use it as it was typed, JavaScript libraries in the form NFKC,
 * and keyboards may type the same letter composed or decomposed.
 */
function passwordForms(password: string): Uint8Array[] {
  const forms = ["NFKC", "NFC", "NFD"].map((form) => password.normalize(form));
  return [...new Set([password, ...forms])].map((form) => Buffer.from(form, "utf8"));
}

/**
 * Decrypts a key.
 *
 * @param password As typed; its other forms are tried if this form does not open the file.
 * @throws BlockcloudError `KEY_PASSWORD` if the password is wrong or the file damaged.
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
      // The cause is dropped, because it may contain the key or the password.
    }
  }
  throw new BlockcloudError("KEY_PASSWORD", `The password does not open ${where}.`, {
    remedy: "Check the password. If it is right, the file is damaged: restore it from a backup.",
  });
}

/** Encrypts a key with scrypt and the password as typed, like geth and Foundry. @param cost `N` of scrypt; tests use less than the default 2^17. */
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
