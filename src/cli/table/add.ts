import * as z from "zod";
import { BlockcloudError } from "../../protocol/errors.ts";
import { formatPrefix, parsePrefix, type Prefix } from "../../resolver/table/prefix.ts";
import { actionName, actionSchema, type Action } from "../../resolver/table/rule.ts";
import { state } from "../framework/commonFlags.ts";
import { localCommand } from "../framework/command.ts";
import { list, text, toggle } from "../framework/flag.ts";
import { anyText, wholeNumber } from "../framework/values.ts";
import { withTable } from "./withTable.ts";

/** A prefix as users write it. */
export const prefixText = z.string().transform((value, context): Prefix => {
  try {
    return parsePrefix(value);
  } catch (error) {
    if (!(error instanceof BlockcloudError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});

/** `blockcloud table add` */
export const tableAdd = localCommand({
  args: { prefix: text("<prefix>", "prefix of service IDs", prefixText, { required: true }) },
  flags: {
    state,
    forward: list("--forward <uri...>", "answer with these endpoints", anyText, {}),
    services: list("--services <id...>", "answer with one of these services", anyText, {}),
    resolver: text("--resolver <url>", "query another resolver", anyText, {}),
    demux: text("--demux <socket>", "answer with a socket of this host", anyText, {}),
    delay: toggle("--delay", "resolve on demand; no other rule may be at the prefix"),
    drop: toggle("--drop", "refuse; no other rule may be at the prefix"),
    priority: text(
      "--priority <n>",
      "the rule with the lowest number is used",
      wholeNumber(0, 65_535),
      {
        default: "0",
      },
    ),
    weight: text("--weight <n>", "share within a priority", wholeNumber(0, 65_535), {
      default: "1",
    }),
  },
  examples: [
    "blockcloud table add 0x0000000000000007/64 --forward https://10.0.0.5:8443 --weight 10",
    "blockcloud table add 0x0000000000000008/64 --demux /run/app.sock",
    "blockcloud table add default --resolver http://10.0.0.1:8053 --priority 1",
    "blockcloud table add 0x00000000000000ff/64 --drop",
  ],
  notes: `A prefix is 0x, digits, / and a length in bits. The longest prefix that matches a service ID is used.
A running resolver with the same state folder applies the rule within a second.`,
  run({ args, flags, output }) {
    const { prefix } = args;
    const { priority, weight } = flags;
    const action = readAction(flags);
    const id = withTable(flags.state, (store) => store.add({ prefix, action, priority, weight }));
    const shown = formatPrefix(prefix);
    output.print(
      { id, prefix: shown, action: actionName(action), priority, weight },
      `Rule ${id}: ${actionName(action)} at ${shown}.`,
    );
    return Promise.resolve(undefined);
  },
});

/** @throws BlockcloudError `RULE_INVALID`. */
function readAction(flags: {
  forward: readonly string[] | undefined;
  services: readonly string[] | undefined;
  resolver: string | undefined;
  demux: string | undefined;
  delay: boolean;
  drop: boolean;
}): Action {
  const { forward = [], services = [], resolver, demux, delay, drop } = flags;
  const given = [
    ...(forward.length > 0 ? [{ kind: "endpoints", endpoints: forward }] : []),
    ...(services.length > 0 ? [{ kind: "services", services }] : []),
    ...(resolver === undefined ? [] : [{ kind: "resolver", url: resolver }]),
    ...(demux === undefined ? [] : [{ kind: "demux", socket: demux }]),
    ...(delay ? [{ kind: "delay" }] : []),
    ...(drop ? [{ kind: "drop" }] : []),
  ];
  if (given.length !== 1) {
    throw new BlockcloudError("RULE_INVALID", `A rule has one action, not ${given.length}.`, {
      remedy: "Give one of --forward, --services, --resolver, --demux, --delay and --drop.",
    });
  }
  const parsed = actionSchema.safeParse(given[0]);
  if (parsed.success) return parsed.data;
  throw new BlockcloudError("RULE_INVALID", "The rule has no action.", {
    remedy: parsed.error.issues.map(({ message }) => message).join(" "),
  });
}
