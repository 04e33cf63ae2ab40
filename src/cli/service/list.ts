import { readMoment } from "../../chain/views/contracts.ts";
import { listServices, type ServiceRow } from "../../chain/views/serviceList.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { text } from "../framework/flag.ts";
import { address, anyText, oneOf, wholeNumber } from "../framework/values.ts";
import { amount, line } from "../show/format.ts";
import { serviceStatuses } from "../../protocol/serviceStatus.ts";

const HEAD = ["number", "status", "class", "BLOC", "owner", "label"];
const WIDTHS = [9, 11, 10, 12, 42, 0];
const RIGHT = [0, 3];

/** `blockcloud service list` */
export const serviceList = chainCommand({
  flags: {
    status: text(
      "--status <status>",
      "only services of this status",
      oneOf(...serviceStatuses),
      {},
    ),
    class: text("--class <name>", "only services of this class", anyText, {}),
    owner: text("--owner <address>", "only services of this owner", address, {}),
    limit: text("--limit <n>", "maximum number of services", wholeNumber(1, 10_000), {
      default: "50",
    }),
    after: text("--after <number>", "only services after this number", wholeNumber(0), {
      default: "0",
    }),
  },
  examples: [
    "blockcloud service list --status Active --limit 20",
    "blockcloud service list --class json-rpc --after 100 --json",
  ],
  async run({ flags, client, deployment, io, output, progress, signal }) {
    const { limit } = flags;
    const filter = {
      after: BigInt(flags.after),
      ...(flags.status && { status: flags.status }),
      ...(flags.class !== undefined && { className: flags.class }),
      ...(flags.owner && { owner: flags.owner }),
    };
    const moment = await readMoment(client, deployment);
    const rows: ServiceRow[] = [];
    let hasMore = false;
    progress.update("reading services");
    for await (const row of listServices(client, deployment, { moment, filter })) {
      signal.throwIfAborted();
      hasMore = rows.length === limit;
      if (hasMore) break;
      if (!output.json) {
        // Each service is printed as it arrives, because a registry may be long.
        progress.clear();
        if (rows.length === 0) io.stdout.write(`${line(HEAD, WIDTHS, RIGHT)}\n`);
        io.stdout.write(`${line(cells(row), WIDTHS, RIGHT)}\n`);
      }
      rows.push(row);
    }
    progress.clear();
    const next = hasMore ? Number(rows.at(-1)?.number) : null;
    const services = rows.map((row) => ({ ...row, number: Number(row.number) }));
    output.print({ services, next }, summary(rows.length, next));
    return undefined;
  },
});

function cells({ number, status, className, stake, owner, label }: ServiceRow): string[] {
  return [String(number), status, className, amount(stake), owner, label ?? ""];
}

function summary(count: number, next: number | null): string {
  if (count === 0) return "no matching services";
  return next === null ? `${count} services` : `${count} services; more with --after ${next}`;
}
