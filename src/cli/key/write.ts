import path from "node:path";
import type { Hex } from "viem";
import { encryptKeystore } from "../../node/keystore.ts";
import { readSecretFile, writeSecretFile } from "../../node/secretFile.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import type { LocalContext } from "../framework/command.ts";
import { keyFlags } from "../framework/commonFlags.ts";
import { text, type Flags, type Values } from "../framework/flag.ts";
import { askPassword } from "../framework/prompt.ts";
import { anyText, wholeNumber } from "../framework/values.ts";

/** A shorter password does not hold anybody off. */
const MIN_PASSWORD = 12;

export const fileArgument = text("<file>", "key file", anyText, { required: true });

export const newPasswordFlags = {
  ...keyFlags,
  cost: text(
    "--scrypt-cost <log2>",
    "work to try one password, as a power of two: 17 takes about a second",
    wholeNumber(10, 18),
    { default: "17" },
  ),
};

type Context = Pick<LocalContext<Flags, Flags>, "io" | "signal" | "output" | "progress"> & {
  flags: Values<typeof newPasswordFlags>;
  args: { file: string };
};

/**
 * The password that a new file gets; at a terminal it is asked for twice.
 *
 * @throws BlockcloudError `KEY_PASSWORD_WEAK`, `KEY_PASSWORD_MISSING`.
 */
export async function newPassword({ flags, io, signal }: Context): Promise<string> {
  const file = flags.passwordFile;
  const given =
    file === undefined
      ? io.env.BLOCKCLOUD_PASSWORD
      : readSecretFile(file, "password").replace(/\r?\n$/, "");
  const password = given ?? (await askPassword(io, "New password", signal));
  if (password.length < MIN_PASSWORD) {
    throw new BlockcloudError("KEY_PASSWORD_WEAK", "The password is too short.", {
      remedy: `Take at least ${MIN_PASSWORD} characters.`,
    });
  }
  if (given === undefined && (await askPassword(io, "The same again", signal)) !== password) {
    throw new BlockcloudError("KEY_PASSWORD", "These are two passwords.", { remedy: "Run again." });
  }
  return password;
}

/** Writes a key, encrypted, to a file that must not exist. */
export async function writeKeystore(context: Context, key: Hex, password: string): Promise<void> {
  const { flags, args, io, output, progress } = context;
  const file = path.resolve(io.cwd, args.file);
  const address = addressOfKey(key);
  progress.update("encrypting");
  const json = await encryptKeystore(key, address, password, 2 ** flags.cost);
  progress.clear();
  writeSecretFile(file, json);
  output.print({ file, address }, `${file} holds the key of ${address}, encrypted`);
}
