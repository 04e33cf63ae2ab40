import { key, list, text } from "../framework/flag.ts";
import { address, etherAmount, wholeNumber } from "../framework/values.ts";

/** The key that sends the keeper's transactions. */
export const keeperKey = key(
  "--keeper-key-file <path>",
  "file with the key that pays gas and receives rewards, mode 600",
  { env: "BLOCKCLOUD_KEEPER_KEY", config: "keys.keeper", required: true },
);

/** The value of a BLOC to a keeper. */
export const blocPrice = text(
  "--bloc-price <eth>",
  "ether that one BLOC is worth to you; a call is sent if it earns at least 20% more than its gas",
  etherAmount,
  { env: "BLOCKCLOUD_BLOC_PRICE", config: "blocPrice", required: true },
);

/** The budget for unprofitable calls. */
export const unpaid = text(
  "--unpaid <eth>",
  "maximum gas cost of unprofitable calls, ETH a day",
  etherAmount,
  { config: "keeper.unpaid", default: "0" },
);

/** The age of unsettled pay after which the keeper settles. */
export const settleAfter = text(
  "--settle-after <epochs>",
  "with --unpaid: settle services whose pay is unsettled for this long",
  wholeNumber(2, 250),
  { config: "keeper.settleAfter", default: "48" },
);

/** Auditors for which the keeper collects. */
export const collect = list(
  "--collect <address...>",
  "collect the claimed pay of these auditors",
  address,
  { config: "keeper.collect" },
);
