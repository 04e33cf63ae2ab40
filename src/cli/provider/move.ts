import { Services } from "../../chain/services.ts";
import { ProviderStore, providerStoreFile } from "../../provider/store.ts";
import { waitForOutcome } from "../../provider/publish/waitForOutcome.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { service, state } from "../framework/commonFlags.ts";
import { text, toggle } from "../framework/flag.ts";
import { drainTime, duration, hostAndPort, httpUrl } from "../framework/values.ts";
import { requireAgent } from "./agents.ts";

/** `blockcloud provider move` */
export const providerMove = chainCommand({
  flags: {
    service,
    to: text("--to <url>", "new URL at which clients reach the gateway", httpUrl, {}),
    listen: text(
      "--listen <host:port>",
      "let the gateway listen at this address first",
      hostAndPort,
      {},
    ),
    drain: text(
      "--drain <time>",
      "how long the old gateway stays open, with --listen (default: what the agent's --drain says)",
      drainTime,
      {},
    ),
    back: toggle("--back", "go back to the endpoint of the agent's own flags"),
    wait: text("--wait <time>", "maximum wait for the agent", duration, { default: "10s" }),
    state,
  },
  examples: [
    "blockcloud provider move --service 7 --listen 0.0.0.0:8081 --drain 10m",
    "blockcloud provider move --service 7 --to https://new.weather.example",
    "blockcloud provider move --service 7 --listen 0.0.0.0:8081 --to http://203.0.113.7:8081",
  ],
  notes: `The agent is "provider run" with the same state folder. It continues to listen at the old address until
its --drain is over, or that of this command. The move survives restarts and ends with the next move or with --back. Without
an agent of the service the command ends at once. A move that the agent does not take within --wait is withdrawn.`,
  async run({ flags, client, deployment, io, output, signal, progress }) {
    const { service: number, to, listen, drain, back } = flags;
    if (back === (to !== undefined || listen !== undefined)) {
      throw new BlockcloudError("CONFIG_INVALID", "The new address is missing.", {
        remedy: "Give --to, --listen or both; or --back alone.",
      });
    }
    if (drain !== undefined && listen === undefined) {
      throw new BlockcloudError("CONFIG_INVALID", "--drain is given, but no gateway is left.", {
        remedy: "Give it with --listen; the address in --to is not the agent's to close.",
      });
    }
    await new Services(client, deployment).requireRegistered(number);
    if (!back) await requireAgent(flags.state, number);
    const store = new ProviderStore(providerStoreFile(flags.state, deployment, number));
    try {
      if (back) {
        store.forgetMove();
        output.print({ back: true }, "the agent goes back to the endpoint of its flags");
        return undefined;
      }
      const id = store.requestMove(
        { uri: to?.href, listen, graceMs: drain },
        io.now() + flags.wait,
      );
      progress.say("waiting for the agent");
      const outcome = await waitForOutcome(store, id, {
        waitMs: flags.wait,
        timers: systemTimers,
        signal,
      });
      if ("code" in outcome) {
        throw new BlockcloudError(outcome.code, outcome.message, {
          remedy: outcome.again
            ? "The agent keeps the move and tries again; --back takes it back."
            : "The service stays where it was.",
        });
      }
      output.print(
        outcome,
        `${outcome.uris.join(", ")}: version ${outcome.issuedAt}, pushed to ${outcome.peers} peers in ` +
          `${Math.round(outcome.milliseconds)} ms${drainText(outcome.graceMs)}`,
      );
      return undefined;
    } finally {
      store.close();
    }
  },
});

function drainText(graceMs: number | undefined): string {
  return graceMs === undefined ? "" : `; the old address stays open for ${graceMs / 1000} s`;
}
