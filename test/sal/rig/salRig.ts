import { addressOfKey } from "../../../src/protocol/signature.ts";
import { ReceiptSigner } from "../../../src/protocol/receipt.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import type { PathObserver } from "../../../src/sal/client/dependencies.ts";
import { SalClient, type SalClientOptions } from "../../../src/sal/client/salClient.ts";
import type { SalLimits } from "../../../src/sal/provider/limits.ts";
import { SalProvider } from "../../../src/sal/provider/salProvider.ts";
import type { FlowHandler, ServedService } from "../../../src/sal/provider/service.ts";
import { salError } from "../../../src/sal/errors.ts";
import type { Payer } from "../../../src/sal/pay/payer.ts";
import type { Pricing } from "../../../src/sal/pay/till.ts";
import { CreditPool } from "../../../src/sal/session/credit.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import type { Link } from "../../../src/sal/transport/link.ts";
import type { DirectPaths } from "../../../src/sal/upgrade/directPaths.ts";
import type { ProviderDirect } from "../../../src/sal/upgrade/providerDirect.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { FakeClock } from "./fakeClock.ts";
import { FakeLocator } from "./fakeLocator.ts";
import type { Wire } from "./memoryLink.ts";
import { MemoryNet } from "./memoryNet.ts";

export const KEY = Buffer.alloc(32, 7);
export const OTHER_KEY = Buffer.alloc(32, 8);
export const SERVICE = rootServiceId(7n);
export const DOMAIN = blockcloudDomain(1n, "0x00000000000000000000000000000000000000aa");
/** The chain's time when a test begins, Unix milliseconds. */
export const START_MS = 1_800_000_000_000;

/** Credit for all flows beyond their own. */
export const POOL_BYTES = 64 * 1024 * 1024;

export interface SalRigOptions {
  ports?: Record<number, FlowHandler>;
  service?: Partial<ServedService>;
  limits?: SalLimits;
  client?: SalClientOptions;
  wire?: Wire;
  clock?: FakeClock;
  /** Most TLS records of a link. */
  maxRecords?: number;
  /** What the service costs. */
  pricing?: Pricing;
  /** Pays for the client. */
  payer?: Payer | undefined;
  /** Whether the service is behind a relay. */
  isRelayed?: boolean;
  /** How the client leaves relays, and the provider lets it. */
  direct?: DirectPaths | undefined;
  providerDirect?: ProviderDirect | undefined;
}

/** Port of an echo. */
export const ECHO = 7;

/** Gives back what comes, and ends when the client ends. */
export const echo: FlowHandler = (flow) => {
  flow.on("data", (chunk: Buffer) => {
    if (!flow.write(chunk)) flow.pause();
  });
  flow.on("drain", () => flow.resume());
  flow.on("end", () => flow.end());
  return Promise.resolve();
};

/** A provider and a client of one service on a network in memory, with time that a test moves. */
export class SalRig {
  readonly clock: FakeClock;
  readonly net: MemoryNet;
  readonly log = new MemoryLog();
  readonly receipts = new ReceiptSigner(DOMAIN);
  readonly locator: FakeLocator;
  readonly moves: Parameters<NonNullable<PathObserver["moved"]>>[0][] = [];
  readonly stays: string[] = [];
  falseAlarms = 0;
  /** Errors with which connections at the provider did not become sessions. */
  readonly refused: unknown[] = [];
  readonly credit = new CreditPool(POOL_BYTES);
  provider: SalProvider;
  client: SalClient;
  readonly #options: SalRigOptions;
  #places = 0;
  #unlisten = () => {};

  constructor(options: SalRigOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? new FakeClock();
    this.net = new MemoryNet(this.clock, options.wire);
    this.provider = this.createProvider();
    this.locator = new FakeLocator({
      serviceId: SERVICE,
      key: addressOfKey(KEY),
      endpoints: [],
      issuedAt: 1,
      delegatedUntil: undefined,
    });
    this.client = this.createClient(options.client);
    this.move();
  }

  readonly now = (): number => START_MS + this.clock.monotonic();

  createProvider(): SalProvider {
    const { ports = { [ECHO]: echo }, service, limits, pricing } = this.#options;
    const table = new Map(Object.entries(ports).map(([port, handler]) => [Number(port), handler]));
    const served = { serviceId: SERVICE, keys: [KEY], asksClient: false, ports: table, ...service };
    return new SalProvider(
      { service: served, domain: DOMAIN, pricing, ...(limits === undefined ? {} : { limits }) },
      {
        ...{ clock: this.clock, log: this.log, now: this.now, credit: this.credit },
        direct: this.#options.providerDirect,
      },
    );
  }

  createClient(options: SalClientOptions = {}, payer = this.#options.payer): SalClient {
    return new SalClient(options, {
      clock: this.clock,
      transport: this.net,
      locator: this.locator,
      receipts: this.receipts,
      domain: DOMAIN,
      log: this.log,
      now: this.now,
      credit: this.credit,
      payer,
      direct: this.#options.direct,
      maxRecords: this.#options.maxRecords,
      observer: {
        moved: (move) => this.moves.push(move),
        staysRelayed: ({ why }) => this.stays.push(why),
        falseAlarm: () => {
          this.falseAlarms += 1;
        },
      },
    });
  }

  /** Hands a connection to the provider, as its server does. */
  readonly accept = (link: Link): void => {
    this.acceptAt(this.provider, link);
  };

  /** The same for one provider of several. */
  acceptAt(provider: SalProvider, link: Link): void {
    const late = new AbortController();
    const cancel = this.clock.after(provider.limits.handshakeMs, () => {
      late.abort(salError("timeout", "No handshake in time."));
    });
    provider
      .accept(link, late.signal)
      .catch((error: unknown) => {
        this.refused.push(error);
      })
      .finally(cancel);
  }

  /** The provider listens at another place and publishes that; the old place refuses from now on. */
  move(accept = this.accept): void {
    this.#unlisten();
    this.#places += 1;
    const place = `198.51.100.${this.#places}:443`;
    this.#unlisten = this.net.listen(place, accept);
    const query = this.#options.isRelayed === true ? "?relay" : "";
    this.locator.publish({ endpoints: [`sal://${place}${query}`] });
  }

  /** Cuts all connections. */
  cut(): void {
    for (const { near } of this.net.open) near.cut();
  }

  /** Opens a flow; its error is no failure of the test by itself. */
  async open(port = ECHO, client = this.client): Promise<Flow> {
    // The rig may be stopped while the clock plays on: the listener must be there before.
    const opened = client.connect("weather", port).then((flow) => flow.on("error", () => {}));
    return this.clock.play(opened);
  }

  stop(): void {
    this.client.close();
    this.provider.stop();
  }
}

/** All that a flow gives until its end, or the error in place of an end. */
export function collect(flow: Flow): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    flow.on("data", (chunk: Buffer) => {
      chunks.push(Buffer.from(chunk));
    });
    flow.on("end", () => {
      resolve(Buffer.concat(chunks));
    });
    flow.on("error", reject);
    flow.on("close", () => {
      reject(new Error("closed without an end"));
    });
  });
}
