import { loadDeployment } from "../../chain/deployment.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { answerToJson } from "../../resolver/answerSchema.ts";
import { chooseDeployment } from "../framework/chainCommand.ts";
import { defineCommand, type Check } from "../framework/command.ts";
import { chainFlags, resolverUrl } from "../framework/commonFlags.ts";
import { bootstrapOf, coralAllowLoopback, coralFlags } from "../framework/coralFlags.ts";
import { optional, text, toggle, type Values } from "../framework/flag.ts";
import { describeError } from "../framework/output.ts";
import { anyText } from "../framework/values.ts";
import { fullName } from "../user/flags.ts";
import { answerText } from "./answerText.ts";
import { ownSource, remoteSource, type ResolveSource, type Seen } from "../../resolver/sources.ts";

/** Interval at which a watched name is looked up, milliseconds. */
const WATCH_MS = 1_000;

const flags = {
  resolver: resolverUrl,
  verify: toggle("--verify", "check the resolver's answer against the key on chain"),
  watch: toggle("--watch", "show each change until Ctrl-C"),
  coralBootstrap: coralFlags(0).coralBootstrap,
  allowLoopback: coralAllowLoopback,
  deployment: chainFlags.deployment,
  network: chainFlags.network,
  rpc: optional(chainFlags.rpc),
};

const check: Check = (resolved, sources, problems) => {
  const { resolver, verify } = resolved.values;
  if (resolver !== undefined && verify !== true) return;
  chooseDeployment(resolved, sources, problems);
  if (!Array.isArray(resolved.values.rpc) || resolved.values.rpc.length === 0) {
    problems.add("--rpc: missing. Only --resolver without --verify needs no chain.");
  }
};

/** `blockcloud resolve` */
export const resolve = defineCommand(
  {
    args: {
      name: text("<service>", "number, label, name or ID of the service", anyText, {
        required: true,
      }),
    },
    flags,
    examples: [
      "blockcloud resolve weather.bloc.alt",
      "blockcloud resolve 4",
      "blockcloud resolve weather.bloc.alt --resolver http://127.0.0.1:8053 --verify",
      "blockcloud resolve sensor.weather.bloc.alt --coral-bootstrap /ip4/203.0.113.7/tcp/4170 --json",
    ],
    notes: `Without --resolver the command queries the chain and the record network itself. With --resolver it shows
that resolver's answer, which needs no chain; --verify checks the answer against the chain.`,
  },
  check,
  async ({ args, flags: given, io, output, signal }) => {
    const source = sourceOf(given);
    let shown: string | undefined;
    const show = (key: string, json: object, readable: string) => {
      if (key === shown) return;
      shown = key;
      output.print(json, readable);
    };
    const showAnswer = (seen: Seen) => {
      const { answer, verified, unconfirmed } = seen;
      const json = { answer: answerToJson(answer), verified, unconfirmed };
      show(`${answer.source} ${answer.record ?? JSON.stringify(json)}`, json, answerText(seen));
    };
    try {
      await source.start();
      do {
        try {
          showAnswer(await source.ask(fullName(args.name), signal));
        } catch (error) {
          signal.throwIfAborted();
          if (!given.watch || !(error instanceof BlockcloudError)) throw error;
          const { json, text: readable } = describeError(error);
          show(error.code, JSON.parse(json) as object, readable);
        }
        if (given.watch) await io.timers.sleep(WATCH_MS, signal);
      } while (given.watch);
      return undefined;
    } catch (error) {
      // Ctrl-C is the normal end of a watch.
      if (given.watch && signal.aborted) return undefined;
      throw error;
    } finally {
      await source.stop();
    }
  },
);

function sourceOf(given: Values<typeof flags>): ResolveSource {
  const { resolver, verify, watch, allowLoopback } = given;
  const chain = () => ({
    rpcUrls: given.rpc ?? [],
    deployment: loadDeployment(given.deployment ?? ""),
  });
  if (resolver !== undefined) return remoteSource(resolver, verify ? chain() : undefined);
  const own = chain();
  return ownSource(own, {
    bootstrap: bootstrapOf(given.coralBootstrap, own.deployment),
    // Only a watch needs pushed messages.
    subscribe: watch,
    allowPrivate: allowLoopback,
  });
}
