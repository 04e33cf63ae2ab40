import type { Hex } from "viem";
import type { Directory } from "../../chain/directory.ts";
import { netRequest } from "../../net/request.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { resolveErrors } from "../answer.ts";
import { MAX_ANSWER_BYTES, problemJsonSchema } from "../answerSchema.ts";
import { unreachable } from "../errors.ts";
import type { FoundRecord } from "./recordLookup.ts";
import { verifyAnswer } from "../verify/verifyAnswer.ts";

/** Header with the resolvers that forwarded a lookup, separated by commas. */
export const PATH_HEADER = "resolver-path";
/** Time limit of another resolver, milliseconds; shorter than this resolver's clients wait. */
const TIME_MS = 4_000;

/** Errors that another resolver may report of a service; for all others the chain is read. */
const { noRecord, stale, delegation, dropped, loop, busy } = resolveErrors;
const passedOn: readonly string[] = [noRecord, stale, delegation, dropped, loop, busy];
/** Everything that a resolver may say itself. */
const known: readonly string[] = Object.values(resolveErrors);
/** The resolver refused the request for another reason. */
const REFUSED = "RESOLVER_REFUSED";
/** No connection to the resolver. */
const DOWN = "RESOLVER_DOWN";
const NO_CONNECTION: readonly string[] = ["NET_FAILED", "NET_REFUSED", "NET_TLS"];

/** Client of other resolvers. */
export interface ForwardingClient {
  /**
   * Looks up a service through another resolver.
   *
   * @param hops The resolvers that forwarded it, this one last.
   * @throws BlockcloudError with a code of `resolveErrors`.
   */
  resolve(
    url: string,
    serviceId: Hex,
    hops: readonly string[],
    signal: AbortSignal,
  ): Promise<FoundRecord>;
}

/**
 * Queries a resolver's HTTP front. The operator configured it, so it may be in a private network.
 *
 * @returns Its answer, not verified.
 * @throws BlockcloudError `RESOLVER_DOWN` without a connection, `RESOLVER_UNREACHABLE` without an answer in
 *   time, the error that it reports with a code of `resolveErrors`, `RESOLVER_REFUSED` for any other refusal.
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
    if (cause instanceof BlockcloudError && NO_CONNECTION.includes(cause.code)) {
      throw down(base, cause);
    }
    throw unreachable(`The resolver at ${base.host} does not respond.`, cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw unreachable(
      `The resolver at ${base.host} responds with status ${status} and without JSON.`,
      cause,
    );
  }
  if (status === 200) return json;
  const problem = problemJsonSchema.safeParse(json).data;
  const said = `The resolver at ${base.host} says: ${problem?.detail ?? problem?.title ?? status}`;
  if (status >= 500 && (problem === undefined || !known.includes(problem.code)))
    throw unreachable(said);
  const code = problem !== undefined && known.includes(problem.code) ? problem.code : REFUSED;
  throw new BlockcloudError(code, said, {
    retryable: code === busy || code === resolveErrors.unreachable,
    ...(code === REFUSED && { remedy: "Check the name, and that the URL is that of a resolver." }),
  });
}

/** Nothing listens there, or its host is not known or reached: another try will not help soon. */
function down({ host }: URL, cause: BlockcloudError): BlockcloudError {
  return new BlockcloudError(DOWN, `There is no resolver at ${host}: ${cause.message}`, {
    cause,
    retryable: true,
    remedy: "Check the resolver's URL, and that it runs.",
  });
}

/** Forwards lookups over HTTP, and accepts only answers that the chain confirms. */
export class RemoteResolver implements ForwardingClient {
  readonly #domain: Domain;
  readonly #directory: Directory;
  readonly #now: () => number;
  readonly #revokedUpTo: (serviceId: Hex) => bigint | undefined;

  /** @param dependencies.revokedUpTo The revocations that the record network knows. */
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
  ): Promise<FoundRecord> {
    const json = await askResolver(url, serviceId, hops, signal).catch((error: unknown) => {
      const isOwn = error instanceof BlockcloudError && passedOn.includes(error.code);
      if (isOwn || !(error instanceof BlockcloudError)) throw error;
      // A refusal may be true or a lie: the chain says.
      throw unreachable(error.message, error);
    });
    try {
      const { answer, checked } = await verifyAnswer(json, serviceId, {
        domain: this.#domain,
        directory: this.#directory,
        now: this.#now(),
        revokedUpTo: this.#revokedUpTo(serviceId),
      });
      const { service: facts, superseded } = answer;
      if (facts === undefined) throw unreachable("The service cannot be read from the chain.");
      return { checked, facts, source: "resolver", superseded };
    } catch (cause) {
      if (!(cause instanceof BlockcloudError)) throw cause;
      const { unknown, inactive } = resolveErrors;
      if (cause.code === unknown || cause.code === inactive) throw cause;
      throw unreachable(`The answer of ${new URL(url).host} is not valid: ${cause.code}.`, cause);
    }
  }
}
