import { key as keyFlag } from "../framework/flag.ts";
import { localCommand } from "../framework/command.ts";
import { fileArgument, newPassword, newPasswordFlags, writeKeystore } from "./write.ts";

/** `blockcloud key import` */
export const keyImport = localCommand({
  flags: {
    ...newPasswordFlags,
    key: keyFlag("--from <path>", "file with the key, mode 600", {
      env: "BLOCKCLOUD_KEY",
      required: true,
    }),
  },
  args: { file: fileArgument },
  examples: ["blockcloud key import encrypted.key --from wallet.key --password-file password"],
  notes: "Then remove the file with the plain key.",
  async run(context) {
    await writeKeystore(context, context.flags.key, await newPassword(context));
    return undefined;
  },
});
