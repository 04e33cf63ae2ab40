import { findKey } from "../../node/keys.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { localCommand } from "../framework/command.ts";
import { fileArgument } from "./write.ts";

/** `blockcloud key address` */
export const keyAddress = localCommand({
  flags: {},
  args: { file: fileArgument },
  examples: ["blockcloud key address wallet.key"],
  async run({ args, io, output }) {
    const found = findKey({ file: args.file, variable: "", env: {} });
    const address =
      found.address ??
      // The file does not contain its address, so only the password gives access to it.
      addressOfKey(await found.unlock(() => Promise.resolve(io.env.BLOCKCLOUD_PASSWORD ?? "")));
    output.print({ address, encrypted: found.encrypted }, address);
    return undefined;
  },
});
