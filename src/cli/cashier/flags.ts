import { key, text } from "../framework/flag.ts";
import { address } from "../framework/values.ts";

/** The payer of a command that only reads. */
export const payerArgument = text("<address>", "the payer's account", address, { required: true });

/** The key of a payer. */
export const payerKey = key(
  "--payer-key-file <path>",
  "file with the key of the account that pays, mode 600",
  { env: "BLOCKCLOUD_PAYER_KEY", config: "keys.payer", required: true },
);

/** The key that sends a payer's signed deposit. */
export const gasKey = key(
  "--gas-key-file <path>",
  "file with a key that sends the payer's signed deposit and pays its gas, mode 600",
  { env: "BLOCKCLOUD_GAS_KEY", config: "keys.gas" },
);
