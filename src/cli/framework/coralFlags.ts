import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { parseMultiaddrs } from "../../coral/p2p/bootstrap.ts";
import type { CoralOptions } from "../../coral/options.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { list, toggle, type Values } from "./flag.ts";
import { refine } from "./values.ts";

/** The port of a node that other nodes join. */
export const CORAL_PORT = 4170;

const multiaddrText = refine((text) => {
  try {
    return parseMultiaddrs([text]) && text;
  } catch (error) {
    if (error instanceof BlockcloudError) return undefined;
    throw error;
  }
}, "Give a multiaddr, for example /ip4/203.0.113.7/tcp/4170/p2p/12D3KooW...");

/**
 * Flags of every command that runs a node of the record network.
 *
 * @param port Default port; 0 for any free port.
 */
export function coralFlags(port: number) {
  return {
    coralListen: list(
      "--coral-listen <multiaddr...>",
      "addresses at which the node of the record network listens",
      multiaddrText,
      { config: "coral.listen", default: `/ip4/0.0.0.0/tcp/${port}` },
    ),
    coralBootstrap: list(
      "--coral-bootstrap <multiaddr...>",
      "nodes through which to join the record network",
      multiaddrText,
      { env: "BLOCKCLOUD_CORAL_BOOTSTRAP", config: "coral.bootstrap" },
    ),
    coralAnnounce: list(
      "--coral-announce <multiaddr...>",
      "addresses at which others reach the node (default: where it listens)",
      multiaddrText,
      { config: "coral.announce" },
    ),
  };
}

/** Flags of commands whose node may connect to this host and its network. */
export const coralAllowLoopback = toggle(
  "--allow-loopback",
  "devnet switch: connect to nodes on loopback and private addresses too",
  { config: "coral.allowLoopback" },
);

/** The nodes to join by: those that were named, else those of the deployment. */
export function bootstrapOf(
  named: readonly string[] | undefined,
  deployment: Deployment,
): readonly string[] {
  return named !== undefined && named.length > 0 ? named : (deployment.bootstrap ?? []);
}

/** The node of {@link coralFlags}. */
export function coralOptions(
  flags: Values<ReturnType<typeof coralFlags>> & { readonly state: string },
  deployment: Deployment,
  node: {
    /** Distinguishes nodes of one state folder: the worker's name, and its service or key. */
    name: string;
    /** Whether it receives the messages of every service, or only publishes. */
    subscribe: boolean;
    allowLoopback: boolean;
  },
): CoralOptions {
  return {
    chainId: deployment.chainId,
    registry: deployment.contracts.registry,
    files: { folder: flags.state, name: `${node.name}-${deploymentTag(deployment)}` },
    listen: flags.coralListen,
    announce: flags.coralAnnounce,
    bootstrap: bootstrapOf(flags.coralBootstrap, deployment),
    subscribe: node.subscribe,
    allowPrivate: node.allowLoopback,
  };
}
