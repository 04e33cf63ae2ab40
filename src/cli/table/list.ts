import { formatPrefix } from "../../resolver/table/prefix.ts";
import { actionName, targetsOf } from "../../resolver/table/rule.ts";
import { state } from "../framework/commonFlags.ts";
import { localCommand } from "../framework/command.ts";
import { table, utc } from "../show/format.ts";
import { withTable } from "./withTable.ts";

const HEAD = ["rule", "prefix", "action", "priority", "weight", "matches", "drops", "to"];
const RIGHT = [0, 3, 4, 5, 6];

/** `blockcloud table list` */
export const tableList = localCommand({
  flags: { state },
  examples: ["blockcloud table list", "blockcloud table list --json"],
  notes: `Rule 0 applies if no other rule does: such lookups are resolved on demand.
A resolver writes its counters every ten seconds, and when it stops.`,
  run({ flags, output }) {
    const { rules, otherwise, countedUpTo } = withTable(flags.state, (store) => ({
      rules: store.rules(),
      otherwise: store.defaultCounted(),
      countedUpTo: store.flushedAt(),
    }));
    const set = rules.map(({ prefix, action, ...rest }) => ({
      ...rest,
      ...{ prefix: formatPrefix(prefix), action: actionName(action), to: targetsOf(action) },
    }));
    const nothing: readonly string[] = [];
    const byDefault = {
      ...{ id: 0, prefix: "0x/0", action: "DELAY", priority: 0, weight: 1 },
      ...{ ...otherwise, to: nothing },
    };
    const hasDefault = rules.some(({ prefix }) => prefix.length === 0);
    const all = hasDefault ? set : [byDefault, ...set];
    const rows = all.map(({ id, prefix, action, priority, weight, matches, drops, to }) => {
      const counts = [priority, weight, matches, drops].map(String);
      return [String(id), prefix, action, ...counts, to.join(" ")];
    });
    const when =
      countedUpTo === undefined ? "No counters yet." : `Counted up to ${utc(countedUpTo / 1000)}.`;
    output.print(
      { rules: all, countedUpTo: countedUpTo ?? null },
      `${table(HEAD, rows, RIGHT)}\n\n${when}`,
    );
    return Promise.resolve(undefined);
  },
});
