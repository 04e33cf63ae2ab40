import { existsSync } from "node:fs";
import { mapStoreFile } from "../../sal/proxy/map/mapStore.ts";
import { addressText } from "../../sal/proxy/map/range.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { state } from "../framework/commonFlags.ts";
import { required } from "../framework/flag.ts";
import { table, utc } from "../show/format.ts";
import { map } from "./mapFlags.ts";
import { openMappings } from "./openMappings.ts";

const HEAD = ["address", "name", "service", "last used", "hosts file"];

/** `blockcloud proxy map` */
export const proxyMap = chainCommand(
  {
    flags: { state, map: required(map) },
    examples: [
      "blockcloud proxy map --map 127.77.0.0/16",
      "blockcloud proxy map --map 127.77.0.0/16 --json",
    ],
    notes: "Those that were used last come first. The time of the last use is exact to an hour.",
    run({ flags, deployment, io, output }) {
      if (!existsSync(mapStoreFile(flags.state, deployment))) {
        output.print({ mappings: [] }, "No service has a mapped address.");
        return Promise.resolve(undefined);
      }
      const { mappings, close } = openMappings(flags.state, deployment, flags.map, io.now);
      try {
        const all = mappings.all.map(({ address, ...mapping }) => ({
          address: addressText(address),
          ...mapping,
        }));
        const rows = all.map(({ address, name, serviceId, usedAt, pinned }) => [
          ...[address, name, serviceId, utc(usedAt), pinned ? "yes" : ""],
        ]);
        const text = rows.length === 0 ? "No service has a mapped address." : table(HEAD, rows, []);
        output.print({ mappings: all }, text);
      } finally {
        close();
      }
      return Promise.resolve(undefined);
    },
  },
  { checkChain: false },
);
