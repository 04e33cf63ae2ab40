import type { Hex } from "viem";
import type { Deployment } from "../chain/deployment.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { VerifiedRecord } from "../protocol/checkRecord.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { canonicalName } from "../protocol/name.ts";
import type { Answer, Change } from "./answer.ts";
import { answerFromJson } from "./answerSchema.ts";
import { withoutNodes } from "./errors.ts";
import { AnswerVerifier } from "./verify/answerVerifier.ts";
import type { LocalResolver } from "./createResolver.ts";
import { askResolver } from "./lookup/remote.ts";
import type { UnconfirmedField } from "./verify/verifyAnswer.ts";

/** An answer and the result of its verification. */
export interface Seen {
  answer: Answer;
  /** Whether this process checked the record against the key on chain. */
  verified: boolean;
  /** Facts from the resolver that the chain does not confirm. */
  unconfirmed: readonly UnconfirmedField[];
}

/** The source of answers for a command or a client. */
export interface ResolveSource extends Startable {
  /** @param newerThan As `Resolver.resolve`; another resolver decides by itself when it asks again. */
  ask(name: string, signal: AbortSignal, newerThan?: number): Promise<Seen>;
  /**
   * Checks a signed record against the chain.
   *
   * @throws BlockcloudError as `verifyRecord`.
   */
  verifyRecord(record: Hex, signal: AbortSignal): Promise<VerifiedRecord>;
  /** As a resolver's `watch`; undefined if changes are found only by another lookup. */
  readonly watch: ((serviceId: Hex, listener: (change: Change) => void) => () => void) | undefined;
}

/** The chain against which answers are checked. */
export interface OwnChain {
  rpcUrls: readonly string[];
  deployment: Deployment;
}

/**
 * A resolver in this process, which does not listen and leaves no state behind. It is created, and the
 * record network's libraries are loaded, when it starts.
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
    async ask(name, signal, newerThan) {
      try {
        const answer = await resolver().resolve(name, { signal, newerThan });
        return { answer, verified: true, unconfirmed: [] };
      } catch (error) {
        throw withoutNodes(error, node);
      }
    },
    verifyRecord: (record, signal) => resolver().verifyRecord(record, signal),
    watch: (serviceId, listener) => resolver().watch(serviceId, listener),
  };
}

/** Another resolver. Its answers are verified if there is access to the chain. */
export function remoteSource(url: URL, chain: OwnChain | undefined): ResolveSource {
  const verifier = chain && new AnswerVerifier(chain);
  return {
    start: async () => verifier?.start(),
    stop: async () => verifier?.stop(),
    watch: undefined,
    verifyRecord(record, signal) {
      if (verifier !== undefined) return verifier.verifyRecord(record, signal);
      throw new BlockcloudError("CHAIN_UNKNOWN", "There is no chain to check a record against.", {
        remedy: "Give an RPC endpoint.",
      });
    },
    async ask(given, signal) {
      // A resolver of an earlier version knows one zone.
      const name = canonicalName(given);
      const json = await askResolver(url.href, name, [], signal).catch(async (error: unknown) => {
        signal.throwIfAborted();
        // A refusal may be true or a lie: the chain says whether the service is unknown or inactive.
        await verifier?.checkService(name);
        throw error;
      });
      if (verifier !== undefined) return { ...(await verifier.verify(json, name)), verified: true };
      try {
        return { answer: answerFromJson(json), verified: false, unconfirmed: [] };
      } catch (cause) {
        throw new BlockcloudError("ANSWER_MALFORMED", `${url.host} sent no valid answer.`, {
          cause,
          remedy: "Check that the URL is that of a resolver, and the resolver's version.",
        });
      }
    },
  };
}
