import { connect } from "node:net";
import type { DialRules } from "../../net/dialRules.ts";
import type { Scheduler } from "../../node/scheduler.ts";
import type { DialTarget, Link, Transport } from "../transport/link.ts";
import { secure } from "../transport/tlsTransport.ts";
import { TRIES_PER_MINUTE, UpgradeBudget } from "./budget.ts";
import { DirectRules } from "./directRules.ts";
import { DIAL_MS, punchTcp } from "./punchTcp.ts";
import type { DirectSettings } from "./settings.ts";

/** From the first SYN to the receipt, milliseconds: then the session stays on its relay. */
export const PUNCH_MS = 1_500;

/** How a client reaches a provider without its relay. */
export interface DirectPaths {
  readonly rules: Pick<DirectRules, "allows">;
  readonly budget: UpgradeBudget;
  /** Dials a place at which the provider listens. */
  readonly plain: Transport;
  /**
   * Dials through NATs.
   *
   * @param localPort Of the relayed link.
   * @param rttMs Of the relayed link.
   */
  punch(localPort: number, rttMs: number): Transport;
}

/** Direct paths over TCP, as far as the settings allow them. */
export function directPaths(
  { relayOnly = false, lan = false, triesPerMinute = TRIES_PER_MINUTE }: DirectSettings,
  { clock, rules: all }: { clock: Scheduler; rules: DialRules },
): DirectPaths | undefined {
  if (relayOnly) return undefined;
  const rules = new DirectRules(all, lan);
  return {
    rules,
    budget: new UpgradeBudget(triesPerMinute, clock),
    plain: {
      dial: async (target, signal) => {
        const { host, port } = target;
        signal.throwIfAborted();
        rules.check({ address: host, port });
        return secure(connect({ host, port, noDelay: true }), named(target), signal);
      },
    },
    punch: (localPort, rttMs) => ({
      dial: (target, signal) => {
        const to = { address: target.host, port: target.port };
        signal.throwIfAborted();
        rules.check(to);
        const dialMs = Math.max(DIAL_MS, rttMs);
        return punchTcp<Link>(
          { localPort, to, dialMs, limitMs: PUNCH_MS, clock },
          (socket, each) => secure(socket, named(target), each),
          signal,
        );
      },
    }),
  };
}

function named({ host, port, serverName }: DialTarget): { serverName: string; where: string } {
  return { serverName, where: `${host}:${port}` };
}
