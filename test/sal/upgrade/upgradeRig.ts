import type { NetworkInterfaceInfo } from "node:os";
import { DialRules } from "../../../src/net/dialRules.ts";
import type { Link, Transport } from "../../../src/sal/transport/link.ts";
import { UpgradeBudget } from "../../../src/sal/upgrade/budget.ts";
import type { Candidate } from "../../../src/sal/upgrade/candidates.ts";
import { DirectRules } from "../../../src/sal/upgrade/directRules.ts";
import { ProviderDirect } from "../../../src/sal/upgrade/providerDirect.ts";
import type { PunchOptions } from "../../../src/sal/upgrade/punchTcp.ts";
import type { DirectSettings } from "../../../src/sal/upgrade/settings.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { FakeClock } from "../rig/fakeClock.ts";
import { SalRig, type SalRigOptions } from "../rig/salRig.ts";

export interface UpgradeRigOptions extends SalRigOptions {
  clientSettings?: DirectSettings;
  providerSettings?: DirectSettings;
  /** Where the provider says that it listens. */
  places?: Candidate[];
}

/** The interfaces of both hosts: one network of their own. */
const INTERFACES = () => ({
  eth0: [{ address: "192.168.7.2", cidr: "192.168.7.2/24", family: "IPv4", internal: false }],
});

/** A service behind a relay, and its client, in memory: what each of them dials besides is written down. */
export class UpgradeRig {
  readonly clock = new FakeClock();
  readonly sal: SalRig;
  /** Places that the client has dialled directly, and those that it has punched. */
  readonly dialled: string[] = [];
  readonly punched: string[] = [];
  /** What the provider has dialled. */
  readonly providerDialled: PunchOptions[] = [];

  constructor(options: UpgradeRigOptions = {}) {
    const { clientSettings = {}, providerSettings = {}, places = [] } = options;
    const rules = new DialRules({ allowLoopback: false }, undefined, () => false);
    const read = INTERFACES as unknown as () => Record<string, NetworkInterfaceInfo[]>;
    const own = new DirectRules(rules, clientSettings.lan === true, read);
    const transport = (list: string[]): Transport => ({
      dial: (target, signal) => {
        list.push(`${target.host} ${target.port}`);
        return this.sal.net.dial(target, signal);
      },
    });
    const perMinute = clientSettings.triesPerMinute ?? 10;
    this.sal = new SalRig({
      ...options,
      clock: this.clock,
      isRelayed: true,
      direct: {
        rules: own,
        budget: new UpgradeBudget(perMinute, this.clock),
        plain: transport(this.dialled),
        punch: () => transport(this.punched),
      },
      providerDirect: new ProviderDirect(providerSettings, {
        ...{ clock: this.clock, log: new MemoryLog(), rules },
        places: () => places,
        accept: (socket) => socket.destroy(),
        dial: (punch) => {
          this.providerDialled.push(punch);
          return new Promise(() => {});
        },
      }),
    });
  }

  /** Direct connections reach the provider at a place. */
  open(place: string, accept: (link: Link) => void = this.sal.accept): void {
    this.sal.net.listen(place, accept);
  }

  get paths(): string[] {
    return this.sal.moves.map(({ path }) => path);
  }

  stop(): void {
    this.sal.stop();
  }
}
