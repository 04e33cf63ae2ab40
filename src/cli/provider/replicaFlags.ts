import { parseUpstream } from "../../net/upstreamUrl.ts";
import type { ReplicaSettings } from "../../provider/replicas/settings.ts";
import { list, text, type Values } from "../framework/flag.ts";
import type { Resolved } from "../framework/resolve.ts";
import type { Problems } from "../framework/settings.ts";
import { hostAndPort, refine, wholeNumber } from "../framework/values.ts";

/** Leaves room for the endpoints that follow the first. */
const MOST_PRIORITY = 65_000;

const instanceId = refine(
  (given) => (/^[0-9a-f]{16}$/.test(given) ? given : undefined),
  "Give 16 hexadecimal digits in lower case.",
);

const publisherUrl = refine((given) => {
  const url = parseUpstream(given);
  return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined;
}, "Give http://host:port, without credentials, path or query.");

/** Flags of an instance, where several serve one ID. */
export const replicaFlags = {
  priority: text(
    "--priority <number>",
    "priority of this instance's endpoints: clients use the lowest that lives",
    wholeNumber(0, MOST_PRIORITY),
    { config: "provider.priority", default: "0" },
  ),
  weight: text(
    "--weight <number>",
    "share of new flows among the instances of one priority",
    wholeNumber(1, 65_535),
    { config: "provider.weight", default: "1" },
  ),
  replicasListen: text(
    "--replicas-listen <host:port>",
    "address at which other instances of the service hand in their endpoints",
    hostAndPort,
    { config: "provider.replicasListen" },
  ),
  join: list(
    "--join <url...>",
    "instance that publishes this one's endpoints, and others that may take its place",
    publisherUrl,
    { config: "provider.join" },
  ),
  instance: text(
    "--instance <id>",
    "this instance's label in server names, 16 hexadecimal digits (default: random)",
    instanceId,
    { config: "provider.instance" },
  ),
};

/** An instance publishes, or hands its endpoints to one that does. */
export function checkReplica({ values, found }: Resolved, problems: Problems): void {
  const { join, replicasListen } = values;
  if (replicasListen === undefined || !Array.isArray(join) || join.length === 0) return;
  problems.add(
    `${found.join?.source ?? "--join"}: another instance publishes. Leave out --replicas-listen, or this.`,
  );
}

/** The settings that {@link replicaFlags} give. */
export function replicaSettings(flags: Values<typeof replicaFlags>): ReplicaSettings {
  const { instance, priority, weight, join, replicasListen: listen } = flags;
  return { instance, priority, weight, join, listen };
}
