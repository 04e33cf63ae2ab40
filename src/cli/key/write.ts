import type { Hex } from "viem";
import { encryptKeystore } from "../../node/keystore.ts";
import { readPasswordFile, writeSecretFile } from "../../node/secretFile.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import type { LocalContext } from "../framework/command.ts";
import { keyFlags } from "../framework/commonFlags.ts";
import { file, text, type Flags, type Values } from "../framework/flag.ts";
import { askPassword } from "../framework/prompt.ts";
import { anyText, wholeNumber } from "../framework/values.ts";

/** Shortest password that is accepted. */
const MIN_PASSWORD = 12;

export const fileArgument = file("<file>", "key file", anyText, { required: true });

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
 * The password of a new file; at a terminal the user enters it twice.
 *
 * @throws BlockcloudError `KEY_PASSWORD_WEAK`, `KEY_PASSWORD_MISSING`.
 */
export async function newPassword({ flags, io, signal }: Context): Promise<string> {
  const { passwordFile } = flags;
  const given =
    passwordFile === undefined ? io.env.BLOCKCLOUD_PASSWORD : readPasswordFile(passwordFile);
  const password = given ?? (await askPassword(io, "New password", signal));
  if (password.length < MIN_PASSWORD) {
    throw new BlockcloudError("KEY_PASSWORD_WEAK", "The password is too short.", {
      remedy: `Use at least ${MIN_PASSWORD} characters.`,
    });
  }
  if (given === undefined && (await askPassword(io, "The same again", signal)) !== password) {
    throw new BlockcloudError("KEY_PASSWORD", "The two passwords differ.", {
      remedy: "Run the command again.",
    });
  }
  return password;
}

/** Writes an encrypted key to a file that must not exist. */
export async function writeKeystore(context: Context, key: Hex, password: string): Promise<void> {
  const { flags, args, output, progress } = context;
  const address = addressOfKey(key);
  progress.update("encrypting");
  const json = await encryptKeystore(key, address, password, 2 ** flags.cost);
  progress.clear();
  writeSecretFile(args.file, json);
  output.print({ file: args.file, address }, `${args.file} holds the key of ${address}, encrypted`);
}
