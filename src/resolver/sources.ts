import type { Hex } from "viem";
import type { Deployment } from "../chain/deployment.ts";
import type { Startable } from "../node/lifecycle.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Answer, Change } from "./answer.ts";
import { answerFromJson } from "./answerSchema.ts";
import { AnswerVerifier } from "./verify/answerVerifier.ts";
import type { LocalResolver } from "./createResolver.ts";
import { askResolver } from "./lookup/remote.ts";
import type { UnconfirmedField } from "./verify/verifyAnswer.ts";

/** An answer, and what is known of its truth. */
export interface Seen {
  answer: Answer;
  /** Whether the record was checked here, against the key on chain. */
  verified: boolean;
  /** What the resolver said of the service and the chain does not. */
  unconfirmed: readonly UnconfirmedField[];
}

/** Where a command or a client gets its answers from. */
export interface ResolveSource extends Startable {
  ask(name: string, signal: AbortSignal): Promise<Seen>;
  /** As a resolver's `watch`; undefined where changes are seen only by asking again. */
  readonly watch: ((serviceId: Hex, listener: (change: Change) => void) => () => void) | undefined;
}

/** The chain that answers are checked by. */
export interface OwnChain {
  rpcUrls: readonly string[];
  deployment: Deployment;
}

/**
 * A resolver in this process: it listens nowhere and leaves nothing behind. It is made, and the record
 * network's libraries are loaded, when it starts.
 */
export function ownSource(
  chain: OwnChain,
  node: { bootstrap: readonly string[]; subscribe: boolean; allowPrivate: boolean },
): ResolveSource {
  let started: LocalResolver | undefined;
  const resolver = (): LocalResolver => {
    if (started === undefined) throw new Error("This source was not started.");
    return started;
  };
  return {
    async start() {
      const { createResolver } = await import("./createResolver.ts");
      started = createResolver({ ...chain, coral: node });
      await started.start();
    },
    stop: async () => started?.stop(),
    ask: async (name, signal) => ({
      answer: await resolver().resolve(name, { signal }),
      verified: true,
      unconfirmed: [],
    }),
    watch: (serviceId, listener) => resolver().watch(serviceId, listener),
  };
}

/** Another resolver, whose answers are checked where there is a chain to check them by. */
export function remoteSource(url: URL, chain: OwnChain | undefined): ResolveSource {
  const verifier = chain && new AnswerVerifier(chain);
  return {
    start: async () => verifier?.start(),
    stop: async () => verifier?.stop(),
    watch: undefined,
    async ask(name, signal) {
      const json = await askResolver(url.href, name, [], signal).catch(async (error: unknown) => {
        signal.throwIfAborted();
        // A refusal may be true or a lie: where the service is unknown or inactive, the chain says so.
        await verifier?.checkService(name);
        throw error;
      });
      if (verifier !== undefined) return { ...(await verifier.verify(json, name)), verified: true };
      try {
        return { answer: answerFromJson(json), verified: false, unconfirmed: [] };
      } catch (cause) {
        throw new BlockcloudError("ANSWER_MALFORMED", `${url.host} answers with no answer.`, {
          cause,
          remedy: "Check that the URL is a resolver's, and its version.",
        });
      }
    },
  };
}
