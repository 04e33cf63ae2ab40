import { isIP } from "node:net";
import type { Deployment } from "../../chain/deployment.ts";
import { isReachable } from "../../net/addresses.ts";
import { DialRules } from "../../net/dialRules.ts";
import { ownAddresses } from "../../node/interfaces.ts";
import { systemScheduler } from "../../node/scheduler.ts";
import type { Timers } from "../../node/timers.ts";
import { BlockcloudError, withoutRemedy } from "../../protocol/errors.ts";
import { observe, type Observation } from "../../sal/relay/observe.ts";
import type { RelayAddress } from "../../sal/relay/relayName.ts";
import { defaultGateway } from "../../sal/upgrade/mapping/defaultGateway.ts";
import { NAT_PMP_PORT, NatPmp } from "../../sal/upgrade/mapping/natPmp.ts";
import { natTypeOf, type NatType } from "../../sal/upgrade/natType.ts";
import { text, type Values } from "../framework/flag.ts";
import { anyText } from "../framework/values.ts";
import { relayFlags } from "../provider/relayFlags.ts";
import { clientOf, fullName, userFlags } from "../user/flags.ts";
import { examine, well, type CheckResult } from "./check.ts";

/** Flags of the checks of the network. */
export const networkFlags = {
  relays: relayFlags.relays,
  reach: text("--reach <service>", "service to which the path in use is examined", anyText, {}),
  ...userFlags,
};

/** Time limit of one question, milliseconds. */
const ASK_MS = 10_000;
/** How long a direct path may take to be found, milliseconds. */
const UPGRADE_MS = 6_000;
const HTTP_PORT = 80;

const NAT_TEXT: Readonly<Record<NatType, string>> = {
  none: "none: relays see this host's own address",
  cone: "cone: one port is the same outside for all, so direct paths can be punched",
  symmetric: "symmetric: each destination sees another port, so nothing can be punched",
  unknown: "unknown",
};

/** Examines the NAT that this host is behind, by what relays see; nothing is reserved, and nothing mapped. */
export async function examineNat(relays: readonly RelayAddress[]): Promise<CheckResult[]> {
  if (relays.length === 0) return [];
  const dependencies = {
    rules: new DialRules({ allowLoopback: true, anyAddress: true }),
    clock: systemScheduler,
  };
  const observations: Observation[] = [];
  const each: CheckResult[] = [];
  for (const relay of relays) {
    // From one port to all relays: what differs is the NAT's.
    const port = observations[0]?.local.port ?? 0;
    const remedy = "Check the relay's address and that it runs.";
    const results = await examine(`relay ${relay.host}:${relay.port}`, remedy, async () => {
      const signal = AbortSignal.timeout(ASK_MS);
      const seen = await observe(relay, port, dependencies, signal).catch((error: unknown) => {
        throw withRemedy(error, remedy);
      });
      observations.push(seen);
      return well(`relay ${seen.relay}`, `sees this host at ${placeText(seen.seen)}`);
    });
    each.push(...results);
  }
  const type = natTypeOf(observations);
  const few = type === "unknown" && observations.length < 2 ? ": give --relay twice" : "";
  return [...each, well("nat", NAT_TEXT[type] + few), ...(await examineMapping())];
}

/** Examines whether this host can be reached by IPv6. */
export function examineIpv6(): CheckResult {
  const all = ownAddresses().filter(
    (address) => isIP(address) === 6 && isReachable(address, false),
  );
  const [first] = all;
  return well(
    "ipv6",
    first === undefined ? "no public address, so no direct path over IPv6" : `${first} is public`,
  );
}

/** Asks the gateway for its address: that says whether it would map ports, and changes nothing. */
async function examineMapping(): Promise<CheckResult[]> {
  const address = defaultGateway();
  if (address === undefined) return [well("port mapping", "this host has no IPv4 gateway")];
  const pmp = new NatPmp({ address, port: NAT_PMP_PORT }, systemScheduler);
  try {
    const outside = await pmp.address(AbortSignal.timeout(ASK_MS));
    const use = isReachable(outside, false)
      ? "provider run --map-port can use it"
      : "that is not public: another NAT is before it";
    return [well("port mapping", `the gateway ${address} maps ports at ${outside}; ${use}`)];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [well("port mapping", `none: ${why}`)];
  }
}

/** Examines how a session reaches a service, and why not in a better way. */
export async function examinePath(
  service: string,
  flags: Values<typeof networkFlags> & { readonly rpc: readonly string[] },
  deployment: Deployment,
  { timers }: { timers: Timers },
): Promise<readonly CheckResult[]> {
  const name = fullName(service);
  return examine(`path to ${service}`, "Check that the service runs, and its name.", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const done = () => {
      resolve(undefined);
    };
    const client = await clientOf(flags, deployment, {
      timers,
      observer: { moved: done, staysRelayed: done },
    });
    try {
      const signal = AbortSignal.timeout(ASK_MS);
      const flow = await client.connect(name, { port: HTTP_PORT, signal });
      flow.on("error", () => {});
      const view = () => client.sessions[0];
      if (view()?.path.kind === "relay") {
        const cancel = systemScheduler.after(UPGRADE_MS, done);
        await promise;
        cancel();
      }
      const { path, endpoint = "" } = view() ?? {};
      const { kind = "unknown", whyRelayed } = path ?? {};
      const why = kind === "relay" ? `: ${whyRelayed ?? "no direct path was offered"}` : "";
      return well(`path to ${service}`, `${kind}, found by ${endpoint}${why}`);
    } finally {
      await client.close();
    }
  });
}

/** The same error with another remedy: its own is for clients of a service. */
function withRemedy(error: unknown, remedy: string): unknown {
  if (!(error instanceof BlockcloudError)) return error;
  const { code, cause, retryable } = error;
  return new BlockcloudError(code, withoutRemedy(error), { cause, remedy, retryable });
}

function placeText({ address, port }: { address: string; port: number }): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
