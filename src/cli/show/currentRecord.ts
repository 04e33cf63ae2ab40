import type { RecordView } from "../../chain/views/recordView.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { readRecord } from "../../protocol/record.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { remoteSource } from "../../resolver/sources.ts";

/**
 * Reads the current record of a service from a resolver, and checks it against the chain; undefined if the
 * resolver gives no valid record.
 *
 * @param say Called with the reason if there is none.
 */
export async function readCurrentRecord(
  chain: { rpcUrls: readonly string[]; deployment: Deployment },
  input: { number: bigint; resolver: URL; searchedFrom: bigint },
  say: (message: string) => void,
  signal: AbortSignal,
): Promise<RecordView | undefined> {
  const { deployment } = chain;
  const source = remoteSource(input.resolver, chain);
  try {
    await source.start();
    const { answer } = await source.ask(rootServiceId(input.number), signal);
    if (answer.record === undefined) return undefined;
    const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
    const { searchedFrom } = input;
    const read = readRecord(answer.record, domain);
    // A resolver that has no live record gives the announcement.
    const kind = answer.source === "announcement" ? "chain" : "network";
    return { source: kind, state: "current", ...read, searchedFrom };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BlockcloudError)) throw error;
    say(`the resolver gives no record (${error.code}): what follows is announced on chain`);
    return undefined;
  } finally {
    await source.stop();
  }
}
