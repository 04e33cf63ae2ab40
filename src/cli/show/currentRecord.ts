import { isAddressEqual, type Hex } from "viem";
import type { RecordView } from "../../chain/views/recordView.ts";
import type { ServiceView } from "../../chain/views/serviceView.ts";
import type { Moment } from "../../chain/views/contracts.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { readRecord } from "../../protocol/record.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { ownSource, remoteSource, type ResolveSource } from "../../resolver/sources.ts";
import { bootstrapOf } from "../framework/coralFlags.ts";
import type { Progress } from "../framework/progress.ts";
import { agentsOfService } from "../provider/agents.ts";

/** Where the live record of a service is looked for. */
export interface LivePlaces {
  /** Queried first. */
  resolver: URL | undefined;
  /** Nodes of the record network, which is queried without a resolver. */
  coralBootstrap: readonly string[] | undefined;
  /** State folder: an agent of the service on this host knows the record that it has published. */
  state: string;
  rpc: readonly string[];
  allowLoopback: boolean;
}

/**
 * Reads the live record of a service from a resolver or from the record network, checked against the chain; else from
 * the service's agent on this host. Undefined if none of them gives one.
 */
export async function readLiveRecord(
  { view, moment, deployment }: { view: ServiceView; moment: Moment; deployment: Deployment },
  places: LivePlaces,
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<RecordView | undefined> {
  const { chainId, contracts } = deployment;
  const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
  const live = (source: "network" | "agent", record: Hex): RecordView => {
    const { searchedFrom } = view.record;
    return { source, state: "current", ...readRecord(record, domain), searchedFrom };
  };
  const network = networkOf(places, deployment);
  if (network !== undefined) {
    progress.update(`asking ${network.name}`);
    try {
      const record = await ask(network.source, rootServiceId(view.number), signal);
      if (record !== undefined) return live("network", record);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BlockcloudError)) throw error;
      progress.say(`${network.name} gives no record (${error.code})`);
    }
  }
  for (const { record } of await agentsOfService(places.state, rootServiceId(view.number))) {
    const found = record && live("agent", record);
    if (found?.signer === undefined || !isAddressEqual(found.signer, view.key.now)) continue;
    if (Number(found.record?.expiresAt) / 1000 > moment.timestamp) return found;
  }
  return undefined;
}

function networkOf(
  { resolver, coralBootstrap, rpc, allowLoopback }: LivePlaces,
  deployment: Deployment,
): { name: string; source: ResolveSource } | undefined {
  const chain = { rpcUrls: rpc, deployment };
  if (resolver !== undefined)
    return { name: "the resolver", source: remoteSource(resolver, chain) };
  const bootstrap = bootstrapOf(coralBootstrap, deployment);
  if (bootstrap.length === 0) return undefined;
  const node = { bootstrap, subscribe: false, allowPrivate: allowLoopback };
  return { name: "the record network", source: ownSource(chain, node) };
}

/** The live record; undefined if there is only the announcement. */
async function ask(
  source: ResolveSource,
  name: string,
  signal: AbortSignal,
): Promise<Hex | undefined> {
  try {
    await source.start();
    const { answer } = await source.ask(name, signal);
    return answer.source === "announcement" ? undefined : answer.record;
  } finally {
    await source.stop();
  }
}
