import type { Hex } from "viem";
import { rawName } from "../../protocol/name.ts";
import type { ExposeContext } from "./flags.ts";

/** What of an `expose` the visitors' commands depend on. */
interface VisitorContext {
  args: Pick<ExposeContext["args"], "port">;
  flags: Pick<ExposeContext["flags"], "under" | "price" | "allowLoopback">;
  output: Pick<ExposeContext["output"], "json" | "print">;
  progress: Pick<ExposeContext["progress"], "say">;
}

/**
 * Says what a visitor needs: to people on standard error, because the log is on standard output; as JSON in the first
 * line there.
 *
 * @param more Lines about the service, and the same as JSON.
 */
export function tellVisitorsNeeds(
  { args: { port }, flags, output, progress }: VisitorContext,
  id: Hex,
  more: { lines: readonly string[]; json: object } = { lines: [], json: {} },
): void {
  const name = rawName(id);
  const url = `bloc://${name}/`;
  const isPriced = flags.under === undefined && flags.price !== undefined;
  // A visitor without the same switch refuses endpoints of this host and of private networks.
  const local = flags.allowLoopback ? " --allow-loopback" : "";
  const direct = [`blockcloud fetch ${url}`, `blockcloud connect ${name} --port ${port}`].map(
    (command) => `${command}${local}`,
  );
  const proxy = `blockcloud proxy --listen 127.0.0.1:1080${local}`;
  const curl = `curl --proxy socks5h://127.0.0.1:1080 http://${name}/`;
  const commands = [...direct, proxy, curl];
  if (output.json) output.print({ id, name, url, commands, ...more.json }, "");
  else {
    progress.say(
      [
        `service      ${name}`,
        ...more.lines,
        "a visitor needs the command blockcloud, an RPC endpoint, and one of:",
        ...direct.map((command) => `  ${command}`),
        `  ${proxy}   and then`,
        `  ${curl}`,
        isPriced
          ? "it has a price: a visitor pays with --max-spend, from cashier deposit"
          : "it costs a visitor nothing: no key, no BLOC and no ether; a price is --price",
      ].join("\n"),
    );
  }
}
