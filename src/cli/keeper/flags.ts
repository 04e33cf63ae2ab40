import { key, list, text } from "../framework/flag.ts";
import { address, etherAmount, wholeNumber } from "../framework/values.ts";

/** The key that the keeper sends with. */
export const keeperKey = key(
  "--keeper-key-file <path>",
  "file with the key that pays and is paid, mode 600",
  { env: "BLOCKCLOUD_KEEPER_KEY", config: "keys.keeper", required: true },
);

/** What a BLOC is worth to a keeper. */
export const blocPrice = text(
  "--bloc-price <eth>",
  "ether that one BLOC is worth to you; a call is sent if it brings a fifth more than its gas",
  etherAmount,
  { env: "BLOCKCLOUD_BLOC_PRICE", config: "blocPrice", required: true },
);

/** The budget for calls that pay nothing. */
export const unpaid = text(
  "--unpaid <eth>",
  "gas for unprofitable calls, ETH a day at most",
  etherAmount,
  { config: "keeper.unpaid", default: "0" },
);

/** When services are settled that do not settle themselves. */
export const settleAfter = text(
  "--settle-after <epochs>",
  "with --unpaid: settle services whose pay has waited for so long",
  wholeNumber(2, 250),
  { config: "keeper.settleAfter", default: "48" },
);

/** Auditors to collect for. */
export const collect = list(
  "--collect <address...>",
  "collect for these auditors what they claimed",
  address,
  { config: "keeper.collect" },
);
