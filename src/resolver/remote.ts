import type { Hex } from "viem";
import type { Directory } from "../chain/directory.ts";
import { netRequest } from "../net/request.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Domain } from "../protocol/typedData.ts";
import { resolveErrors } from "./answer.ts";
import { MAX_ANSWER_BYTES, problemJsonSchema } from "./answerSchema.ts";
import { unreachable } from "./errors.ts";
import type { Found } from "./recordLookUp.ts";
import { verifyAnswer } from "./verifyAnswer.ts";

/** Names the resolvers that a look-up has passed, commas between them. */
export const PATH_HEADER = "resolver-path";
/** How long another resolver may take, milliseconds: less than its asker waits. */
const TIME_MS = 4_000;

/** What another resolver may say of a service; the chain is asked of everything else. */
const { noRecord, stale, delegation, dropped, loop, busy } = resolveErrors;
const passedOn: readonly string[] = [noRecord, stale, delegation, dropped, loop, busy];

/** Asks other resolvers. */
export interface ForwardingClient {
  /**
   * Looks a service up through another resolver.
   *
   * @param hops The resolvers that have passed it on, this one last.
   * @throws BlockcloudError with a code of `resolveErrors`.
   */
  resolve(
    url: string,
    serviceId: Hex,
    hops: readonly string[],
    signal: AbortSignal,
  ): Promise<Found>;
}

/**
 * Asks a resolver's HTTP front. It is one that the operator named, so it may stand in a private network.
 *
 * @returns What it says, not checked.
 * @throws BlockcloudError `RESOLVER_UNREACHABLE`, or what it answers with: `RECORD_MISSING`, `RECORD_STALE`,
 *   `DELEGATION_EXPIRED`, `SERVICE_DROPPED`, `RESOLVER_LOOP`, `RESOLVER_BUSY`.
 */
export async function askResolver(
  url: string,
  name: string,
  hops: readonly string[],
  signal: AbortSignal,
): Promise<unknown> {
  const base = new URL(url.endsWith("/") ? url : `${url}/`);
  const path = hops.length === 0 ? {} : { [PATH_HEADER]: hops.join(",") };
  let body: string;
  let status: number;
  try {
    const answer = await netRequest(
      {
        method: "GET",
        url: new URL(`v1/resolve/${encodeURIComponent(name)}`, base),
        headers: { accept: "application/json, application/problem+json", ...path },
        body: new Uint8Array(),
      },
      { timeMs: TIME_MS, maxBytes: MAX_ANSWER_BYTES, allowLoopback: true, anyAddress: true },
      signal,
    );
    ({ status } = answer);
    body = answer.body.toString("utf8");
  } catch (cause) {
    signal.throwIfAborted();
    throw unreachable(`The resolver at ${base.host} does not answer.`, cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw unreachable(`The resolver at ${base.host} answers ${status} without JSON.`, cause);
  }
  if (status === 200) return json;
  const problem = problemJsonSchema.safeParse(json).data;
  const said = `The resolver at ${base.host} says: ${problem?.detail ?? problem?.title ?? status}`;
  if (problem === undefined || !passedOn.includes(problem.code)) throw unreachable(said);
  throw new BlockcloudError(problem.code, said, { retryable: problem.code === busy });
}

/** Forwards over HTTP, and believes nothing that the chain does not confirm. */
export class RemoteResolver implements ForwardingClient {
  readonly #domain: Domain;
  readonly #directory: Directory;
  readonly #now: () => number;
  readonly #revokedUpTo: (serviceId: Hex) => bigint | undefined;

  /** @param dependencies.revokedUpTo What the record network knows of revocations. */
  constructor(
    options: { domain: Domain },
    dependencies: {
      directory: Directory;
      now: () => number;
      revokedUpTo: (serviceId: Hex) => bigint | undefined;
    },
  ) {
    this.#domain = options.domain;
    this.#directory = dependencies.directory;
    this.#now = dependencies.now;
    this.#revokedUpTo = dependencies.revokedUpTo;
  }

  async resolve(
    url: string,
    serviceId: Hex,
    hops: readonly string[],
    signal: AbortSignal,
  ): Promise<Found> {
    const json = await askResolver(url, serviceId, hops, signal);
    try {
      const { answer, checked } = await verifyAnswer(json, serviceId, {
        domain: this.#domain,
        directory: this.#directory,
        now: this.#now(),
        revokedUpTo: this.#revokedUpTo(serviceId),
      });
      const { service: facts, superseded } = answer;
      if (facts === undefined) throw unreachable("The chain says nothing of the service.");
      return { checked, facts, source: "resolver", superseded };
    } catch (cause) {
      if (!(cause instanceof BlockcloudError)) throw cause;
      const { unknown, inactive } = resolveErrors;
      if (cause.code === unknown || cause.code === inactive) throw cause;
      throw unreachable(`What ${new URL(url).host} answers does not hold: ${cause.code}.`, cause);
    }
  }
}
