import { key, text } from "../framework/flag.ts";
import {
  blocAmount,
  duration,
  etherAmount,
  hostAndPort,
  wholeNumber,
} from "../framework/values.ts";

/** The key that holds what is given. */
export const faucetKey = key(
  "--faucet-key-file <path>",
  "file with the key that holds the BLOC and the ether to give, mode 600",
  { env: "BLOCKCLOUD_FAUCET_KEY", config: "keys.faucet", required: true },
);

/** `--listen` of the faucet. */
export const listen = text(
  "--listen <host:port>",
  "address at which the faucet listens",
  hostAndPort,
  { config: "faucet.listen", required: true },
);

/** One gift. */
export const bloc = text("--bloc <bloc>", "BLOC of one gift", blocAmount, {
  config: "faucet.bloc",
  default: "6000",
});
export const ether = text("--ether <eth>", "ether of one gift", etherAmount, {
  config: "faucet.ether",
  default: "0.02",
});

/** All gifts of a day. */
export const dailyBloc = text("--daily-bloc <bloc>", "BLOC of all gifts in 24 hours", blocAmount, {
  config: "faucet.dailyBloc",
  default: "120000",
});
export const dailyEther = text(
  "--daily-ether <eth>",
  "ether of all gifts in 24 hours",
  etherAmount,
  { config: "faucet.dailyEther", default: "0.4" },
);

/** Time between gifts. */
export const wait = text(
  "--wait <time>",
  "time between two gifts to one address, and for which the gifts of a client count",
  duration,
  { config: "faucet.wait", default: "24h" },
);
export const peerGifts = text(
  "--peer-gifts <count>",
  "gifts of one client address (/64 of IPv6) in that time",
  wholeNumber(1, 1_000_000),
  { config: "faucet.peerGifts", default: "3" },
);
