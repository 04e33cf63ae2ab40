import type { DirectServiceSettings } from "../relays/directService.ts";
import type { AddressInfo } from "node:net";
import type { Hex } from "viem";
import type { Price } from "../../cashier/price.ts";
import type { NetworkChoice } from "../../chain/networks.ts";
import type { RecordNetwork } from "../../coral/network.ts";
import type { Logger } from "../../node/logger.ts";
import type { SalLimits } from "../../sal/provider/limits.ts";
import type { OwnPaySettings } from "../pay/ownPay.ts";
import type { IncomingFlow } from "./flowQueue.ts";

/** Options of a listener. */
export type ListenOptions = NetworkChoice & {
  /** Your RPC endpoints: the preferred one, then its fallbacks. */
  rpc: string | URL | readonly (string | URL)[];
  /** The service's key, or the key in a sub-service's ID: 0x and 64 hexadecimal digits. */
  key: Hex;
  /** The root's delegation for a sub-service. */
  delegation?: Hex;
  /** Ports of the service, 1 to 65535. All others are refused. */
  ports: readonly number[];
  /** Address to listen on; default 0.0.0.0. */
  host?: string;
  /** TCP port to listen on; default 0, which chooses a free one. */
  port?: number;
  /** Where clients reach it, `sal://host:port`; default: where it listens, at the host's own addresses. */
  endpoint?: string;
  /** Relays through which clients reach it, `host:port`: for a program behind NAT. Give two or more. */
  relays?: readonly string[];
  /** How clients may leave the relays for direct paths. */
  direct?: DirectServiceSettings;
  /** Multiaddrs of nodes of the record network. */
  bootstrap?: readonly string[];
  /** Publishes the records, in place of a node of the record network in this process. */
  publisher?: RecordPublisher;
  /**
   * Folder for the versions of records, which one process of the service uses at a time. Without it versions follow the
   * chain's clock: then no second process may publish for the service.
   */
  stateDir?: string;
  /**
   * Takes the place of the process that provides the service with the same `stateDir`, if there is one, without cutting
   * anybody off. Default: such a process is an error.
   */
  takeOver?: boolean;
  /** Whether clients must say who they are: `peer.client` is their address then. */
  asksClient?: boolean;
  /** What the service costs, and who collects; default: nothing. A sub-service takes tabs of its root. */
  pay?: ListenPay;
  /** Flows that wait for the program; default 128. */
  backlog?: number;
  limits?: SalLimits;
  /** How long `close` lets open flows end, milliseconds; default 8,000. */
  drainMs?: number;
  /** How long the start may take, milliseconds; default 30,000. */
  timeMs?: number;
  /** Permits peers of the record network on this host, for a devnet. */
  allowLoopback?: boolean;
  /** Ends the start; later it ends the listener and its flows at once. */
  signal?: AbortSignal;
  log?: Logger;
};

/** How a listener is paid, by tabs of the Cashier. Needs `stateDir`. */
export interface ListenPay extends Omit<
  OwnPaySettings,
  "price" | "payTo" | "coin" | "facilitator" | "allowLoopback"
> {
  /** `0.002/MB|0.0001/request|0.01/hour`; on all ports a request is a flow. */
  price: string | Price;
}

/** Publishes signed records. */
export type RecordPublisher = Pick<RecordNetwork, "publish" | "peers" | "alone">;

/** A service that this process provides. An iteration gives each flow that a client opens; `break` closes nothing. */
export interface Listener extends AsyncIterable<IncomingFlow>, AsyncDisposable {
  readonly serviceId: Hex;
  /** Where it listens. */
  readonly address: AddressInfo;
  /** What its record names now. */
  readonly endpoints: readonly string[];
  /** Sessions with clients. */
  readonly sessions: number;
  /** Open flows. */
  readonly flows: number;
  /**
   * Resolves when another process has taken this one's place: new flows are its own. The flows that are open here go
   * on, a day at most. When the last one has ended, the iteration ends, and the listener is closed.
   */
  readonly replaced: Promise<void>;
  /**
   * Takes no more sessions and flows, lets open flows end within `drainMs`, then ends the rest with `SAL_LEAVING`.
   * Clients open new flows at another place, if the service has one. `await using` does it by itself.
   */
  close(): Promise<void>;
}
