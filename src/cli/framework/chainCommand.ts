import { checkChain, createChainClient, type ChainClient } from "../../chain/client.ts";
import { loadDeployment, originOf, type Deployment } from "../../chain/deployment.ts";
import { networkFile } from "../../chain/networks.ts";
import { unusedProxy } from "./proxyEnv.ts";
import {
  defineCommand,
  type Check,
  type CommandDefinition,
  type CommandSpec,
  type LocalContext,
} from "./command.ts";
import { chainFlags } from "./commonFlags.ts";
import type { Flags, Values } from "./flag.ts";
import { missing } from "./settings.ts";
import { ServiceLabel } from "./values.ts";

/** The context of a command that uses the chain. */
export interface ChainContext<F extends Flags, A extends Flags> extends LocalContext<
  F & typeof chainFlags,
  A
> {
  readonly deployment: Deployment;
  readonly client: ChainClient;
}

/** Options of {@link chainCommand}. */
export interface ChainOptions {
  /** Whether the endpoint is checked before `run`; `doctor` checks it itself. */
  readonly checkChain?: boolean;
  /** A further check of the settings. */
  readonly check?: Check;
}

/**
 * A command that uses the chain: it gets the deployment and a client whose chain was checked. `run` may
 * return an exit code other than 0.
 */
export function chainCommand<F extends Flags, A extends Flags = Flags>(
  spec: CommandSpec<F, A> & {
    run(context: ChainContext<F, A>): Promise<number | undefined>;
  },
  options: ChainOptions = {},
): CommandDefinition {
  const flags = { ...spec.flags, ...chainFlags };
  const check: Check = (resolved, sources, problems) => {
    options.check?.(resolved, sources, problems);
    chooseDeployment(resolved, sources, problems);
    // One that is there and wrong is told already.
    const { rpc } = resolved.values;
    if (resolved.found.rpc === undefined && Array.isArray(rpc) && rpc.length === 0)
      problems.add(missing(chainFlags.rpc));
  };
  return defineCommand({ ...spec, flags }, check, async (local) => {
    const { deployment: file = "", rpc } = local.flags as unknown as Values<typeof chainFlags>;
    const deployment = loadDeployment(file);
    const unused = unusedProxy(local.io.env);
    if (unused !== undefined) local.progress.say(unused);
    const client = createChainClient(rpc, deployment.chainId, {
      origin: originOf(deployment),
      timers: local.io.timers,
    });
    if (options.checkChain !== false) await checkChain(client, deployment);
    const flags = await withNumber(local.flags, client, deployment);
    return spec.run({ ...local, flags, deployment, client });
  });
}

/** The flags with the number of the service that `--service` names by its label. */
async function withNumber<V extends object>(
  flags: V,
  client: ChainClient,
  deployment: Deployment,
): Promise<V> {
  const { service } = flags as { service?: unknown };
  if (!(service instanceof ServiceLabel)) return flags;
  const { findService } = await import("../../chain/views/serviceView.ts");
  return { ...flags, service: await findService(client, deployment, service.label) };
}

/** Replaces the flags for file and network by the path of the deployment file. */
export const chooseDeployment: Check = (resolved, _, problems) => {
  const { found, values } = resolved;
  const { deployment: file, network } = found;
  const rank = (source: string | undefined) =>
    source === undefined ? 3 : source.startsWith("--") ? 0 : source.startsWith("$") ? 1 : 2;
  const [byFile, byName] = [rank(file?.source), rank(network?.source)];
  if (byFile === 3 && byName === 3) {
    problems.add("--deployment: missing. Give --deployment <file> or --network <name>.");
  } else if (byFile === byName) {
    problems.add(`${file?.source ?? ""}, ${network?.source ?? ""}: give one of the two.`);
  } else {
    const named = networkFile(String(values.network));
    const chosen = byFile < byName ? String(values.deployment) : named;
    const source = (byFile < byName ? file : network)?.source ?? "";
    values.deployment = chosen;
    const deployment = problems.collect(source, () => loadDeployment(chosen));
    // The network's file fills in the settings that the user did not give.
    if (found.rpc === undefined && deployment?.rpc !== undefined) values.rpc = deployment.rpc;
  }
};
