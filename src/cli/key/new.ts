import { randomBytes } from "node:crypto";
import { parseKey } from "../../node/keys.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { localCommand } from "../framework/command.ts";
import { fileArgument, newPassword, newPasswordFlags, writeKeystore } from "./write.ts";

/** `blockcloud key new` */
export const keyNew = localCommand({
  flags: newPasswordFlags,
  args: { file: fileArgument },
  examples: ["blockcloud key new provider.key --password-file password"],
  notes: "The key is never shown. Back up the file, and its password in another place.",
  async run(context) {
    const key = parseKey(bytesToHex(randomBytes(32)), "the generator");
    await writeKeystore(context, key, await newPassword(context));
    return undefined;
  },
});
