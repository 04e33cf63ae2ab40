import { BlockcloudError } from "../protocol/errors.ts";

/** Digits of a private key, also when some were lost or doubled on the way. An address has 40. */
const KEY_DIGITS = /0x[0-9a-f]{48,}|(?<![0-9a-f])[0-9a-f]{60,}/i;
/** Words of a recovery phrase (BIP-39): 12 at least. */
const PHRASE = /^\s*[a-z]{3,8}(\s+[a-z]{3,8}){11,23}\s*$/i;

/**
 * Whether a text that stands where a path belongs may be a secret: a private key, a recovery phrase, or the
 * content of an encrypted key file. Folders on the way may be named by a hash, as container engines do.
 */
export function mayBeSecret(path: string): boolean {
  const name =
    path
      .replace(/[/\\]+$/, "")
      .split(/[/\\]/)
      .at(-1) ?? "";
  return KEY_DIGITS.test(name) || PHRASE.test(name) || /\{\s*"/.test(path);
}

/**
 * Refuses a secret that was given where a path belongs. The error does not repeat it.
 *
 * @throws BlockcloudError `KEY_MISPLACED`.
 */
export function refuseSecret(path: string): void {
  if (!mayBeSecret(path)) return;
  throw new BlockcloudError(
    "KEY_MISPLACED",
    "What was given here looks like a secret, and a path belongs here.",
    {
      remedy:
        "Put the secret into a file of mode 600, and name that. Replace a key that was given here: it was shown.",
    },
  );
}

/** A text without what may be a private key in it: for messages of others that repeat what was given. */
export function withoutKeys(text: string): string {
  return text.replace(/(0x)?[0-9a-f]{60,}|0x[0-9a-f]{48,}/gi, "<hidden>");
}
