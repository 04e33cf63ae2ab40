import * as z from "zod";
import { formatPrefix } from "../../resolver/table/prefix.ts";
import { state } from "../framework/commonFlags.ts";
import { localCommand } from "../framework/command.ts";
import { text } from "../framework/flag.ts";
import { prefixText } from "./add.ts";
import { withTable } from "./withTable.ts";

const which = z.union([
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/)
    .transform(Number),
  prefixText,
]);

/** `blockcloud table remove` */
export const tableRemove = localCommand({
  args: { rule: text("<number or prefix>", "rule or prefix to remove", which, { required: true }) },
  flags: { state },
  examples: ["blockcloud table remove 3", "blockcloud table remove 0x0000000000000007/64"],
  run({ args, flags, output }) {
    const { rule } = args;
    const removed = withTable(flags.state, (store) => store.remove(rule));
    const named = typeof rule === "number" ? `rule ${rule}` : `rule at ${formatPrefix(rule)}`;
    output.print(
      { removed },
      removed.length === 0
        ? `There is no ${named}, so nothing was removed.`
        : `Removed: ${removed.map((id) => `rule ${id}`).join(", ")}.`,
    );
    return Promise.resolve(undefined);
  },
});
