import { text, toggle } from "../framework/flag.ts";
import { etherAmount, percent } from "../framework/values.ts";

/** `--allow-loopback` of the auditor. */
export const allowLoopback = toggle(
  "--allow-loopback",
  "devnet switch: inspect services, and connect to nodes, on loopback too",
  { config: "auditor.allowLoopback" },
);

/** What a BLOC is worth to an auditor. */
export const blocPrice = text(
  "--bloc-price <eth>",
  "what a BLOC is worth; rounds that would cost more than they pay are left out",
  etherAmount,
  { env: "BLOCKCLOUD_BLOC_PRICE", config: "blocPrice" },
);

/** The least profit of a round. */
export const margin = text(
  "--margin <percent>",
  "with --bloc-price: least profit of a round, in percent of its gas",
  percent,
  { config: "auditor.margin", default: "0" },
);
