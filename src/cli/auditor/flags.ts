import { text, toggle } from "../framework/flag.ts";
import { etherAmount, percent } from "../framework/values.ts";

/** `--allow-loopback` of the auditor. */
export const allowLoopback = toggle(
  "--allow-loopback",
  "devnet switch: inspect services, and connect to nodes, on loopback too",
  { config: "auditor.allowLoopback" },
);

/** The value of a BLOC to an auditor. */
export const blocPrice = text(
  "--bloc-price <eth>",
  "ether that one BLOC is worth to you; the auditor skips rounds that cost more than they pay",
  etherAmount,
  { env: "BLOCKCLOUD_BLOC_PRICE", config: "blocPrice" },
);

/** The minimum profit of a round. */
export const margin = text(
  "--margin <percent>",
  "with --bloc-price: minimum profit of a round, in percent of its gas",
  percent,
  { config: "auditor.margin", default: "0" },
);
