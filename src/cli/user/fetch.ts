import { writeFileSync } from "node:fs";
import path from "node:path";
import { formatEther } from "viem";
import { encodeReceipt } from "../../protocol/receipt.ts";
import { silentLogger } from "../../node/logger.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { state } from "../framework/commonFlags.ts";
import { document, file, list, text, toggle } from "../framework/flag.ts";
import { anyText, duration, refine } from "../framework/values.ts";
import { userFlags } from "./flags.ts";
import { checkPay, payFlags, payingClient } from "./payFlags.ts";

/** Exit code with --fail for a status of 400 or more; it is curl's. */
const HTTP_ERROR = 22;

const field = refine((value): [string, string] | undefined => {
  const at = value.indexOf(":");
  return at > 0 ? [value.slice(0, at).trim(), value.slice(at + 1).trim()] : undefined;
}, "Give <name>: <value>.");

/** `blockcloud fetch` */
export const fetch = chainCommand(
  {
    args: {
      url: text("<url>", "bloc://weather/path, weather.bloc.alt/path or 0x<ID>/path", anyText, {
        required: true,
      }),
    },
    flags: {
      ...userFlags,
      ...payFlags,
      state,
      method: text(
        "--method <method>",
        "request method (default: GET, with --data POST)",
        anyText,
        {},
      ),
      header: list("--header <field...>", "request fields, <name>: <value>", field, {}),
      data: document("--data <text>", "request body, or @ and a file", anyText, {}),
      output: file("--output <file>", "new file for the response body", anyText, {}),
      fail: toggle("--fail", `exit with ${HTTP_ERROR} for a status of 400 or more`),
      time: text("--time <time>", "time limit for everything", duration, { default: "30s" }),
    },
    examples: [
      "blockcloud fetch bloc://weather/forecast",
      "blockcloud fetch bloc://weather/forecast --max-spend 0.5 --payer-key-file payer.key",
      "blockcloud fetch bloc://weather/forecast --output forecast.json --json",
      "blockcloud fetch weather.bloc.alt/reports --data rain=2 --header 'content-type: text/plain'",
    ],
    notes: `The response is printed only if the service's key signed its status and whole body. With --json the receipt and
the head are printed, and the body, in base64, unless --output names a file for it.`,
    async run({ args, flags, client: chain, deployment, io, output, signal, progress }) {
      const environment = { client: chain, timers: io.timers, log: silentLogger };
      const paying = await payingClient(flags, deployment, environment);
      const { client } = paying;
      try {
        const { data, time } = flags;
        const response = await client.fetch(args.url, {
          method: flags.method ?? (data === undefined ? "GET" : "POST"),
          headers: (flags.header ?? []).map(([name, value]): [string, string] => [name, value]),
          ...(data !== undefined && { body: data }),
          timeMs: time,
          signal,
        });
        const body = Buffer.from(await response.arrayBuffer());
        const { status, serviceId, endpoint, receipt } = response;
        if (flags.output !== undefined) {
          // An existing file is kept.
          writeFileSync(path.resolve(io.cwd, flags.output), body, { flag: "wx" });
        }
        if (output.json) {
          const headers = Object.fromEntries(response.headers);
          const told = flags.output === undefined ? { body: body.toString("base64") } : {};
          const signed = encodeReceipt(receipt);
          const spent = paying.spent();
          const paid = spent === undefined ? {} : { paid: spent };
          output.print(
            { status, headers, serviceId, endpoint, receipt: signed, ...paid, ...told },
            "",
          );
        } else {
          const spent = paying.spent();
          const paid = spent === undefined ? "" : `, ${formatEther(spent)} BLOC paid`;
          progress.say(`${status} from ${serviceId} at ${endpoint}, receipt checked${paid}`);
          if (flags.output === undefined) io.stdout.write(body);
        }
        return flags.fail && status >= 400 ? HTTP_ERROR : undefined;
      } finally {
        await paying.close();
      }
    },
  },
  { check: checkPay },
);
