import type { Deployment } from "../../chain/deployment.ts";
import type { Startable } from "../../node/lifecycle.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Answer } from "../../resolver/answer.ts";
import { answerFromJson } from "../../resolver/answerSchema.ts";
import { AnswerVerifier } from "../../resolver/answerVerifier.ts";
import { createResolver } from "../../resolver/createResolver.ts";
import { askResolver } from "../../resolver/remote.ts";
import type { Claim } from "../../resolver/verifyAnswer.ts";

/** An answer, and what is known of its truth. */
export interface Seen {
  answer: Answer;
  /** Whether the record was checked here, against the key on chain. */
  verified: boolean;
  /** What the resolver said of the service and the chain does not. */
  unconfirmed: readonly Claim[];
}

/** Where the command has its answers from. */
export interface AnswerSource extends Startable {
  ask(name: string, signal: AbortSignal): Promise<Seen>;
}

/** The chain that a command reads. */
export interface OwnChain {
  rpcUrls: readonly string[];
  deployment: Deployment;
}

/** A resolver for as long as the command runs: it listens nowhere and leaves nothing behind. */
export function ownSource(
  chain: OwnChain,
  node: { bootstrap: readonly string[]; subscribe: boolean; allowPrivate: boolean },
): AnswerSource {
  const resolver = createResolver({ ...chain, coral: node });
  return {
    start: () => resolver.start(),
    stop: () => resolver.stop(),
    ask: async (name, signal) => ({
      answer: await resolver.resolve(name, { signal }),
      verified: true,
      unconfirmed: [],
    }),
  };
}

/** Another resolver, whose answers are checked where there is a chain to check them by. */
export function remoteSource(url: URL, chain: OwnChain | undefined): AnswerSource {
  const verifier = chain && new AnswerVerifier(chain);
  return {
    start: async () => verifier?.start(),
    stop: async () => verifier?.stop(),
    async ask(name, signal) {
      const json = await askResolver(url.href, name, [], signal);
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
