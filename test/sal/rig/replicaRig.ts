import { addressOfKey } from "../../../src/protocol/signature.ts";
import { drawPriorities } from "../../../src/resolver/order.ts";
import type { Located } from "../../../src/sal/client/locator.ts";
import { SalClient } from "../../../src/sal/client/salClient.ts";
import type { SalProvider } from "../../../src/sal/provider/salProvider.ts";
import type { Link } from "../../../src/sal/transport/link.ts";
import { FakeLocator } from "./fakeLocator.ts";
import { random } from "./random.ts";
import { DOMAIN, KEY, SalRig, SERVICE } from "./salRig.ts";

/** An instance of the service. */
export interface Replica {
  readonly name: string;
  readonly uri: string;
  readonly weight: number;
  readonly priority: number;
  provider: SalProvider;
  /** Handshakes so far. */
  dials: number;
  /** The process is gone: its port refuses, and its connections are broken. */
  crash(): void;
  /** Its network is silent, in both directions. */
  silence(): void;
}

/** A directory that draws anew for each lookup, as the real one does. */
class DrawingLocator extends FakeLocator {
  replicas: Replica[] = [];
  readonly #random: () => number;

  constructor(seed: number) {
    super({
      ...{ serviceId: SERVICE, key: addressOfKey(KEY), endpoints: [], issuedAt: 1 },
      delegatedUntil: undefined,
    });
    this.#random = random(seed);
  }

  override locate(): Promise<Located> {
    const endpoints = drawPriorities(this.replicas, this.#random).map(({ uri }) => uri);
    this.located = { ...this.located, endpoints };
    return super.locate();
  }
}

/** Several instances of one service, and a client, on a network in memory. */
export class ReplicaRig {
  readonly base: SalRig;
  readonly locator: DrawingLocator;
  readonly client: SalClient;
  readonly replicas: Replica[] = [];
  #places = 10;

  constructor(seed: number, options: ConstructorParameters<typeof SalRig>[0] = {}) {
    this.base = new SalRig(options);
    this.locator = new DrawingLocator(seed);
    const { clock, net, receipts, log, now, credit, moves } = this.base;
    this.client = new SalClient(options.client ?? {}, {
      ...{
        clock,
        transport: net,
        locator: this.locator,
        receipts,
        domain: DOMAIN,
        log,
        now,
        credit,
      },
      observer: { moved: (move) => moves.push(move) },
    });
  }

  get clock() {
    return this.base.clock;
  }

  get net() {
    return this.base.net;
  }

  get moves() {
    return this.base.moves;
  }

  /** An instance starts, and is published. */
  add(name: string, weight = 1, priority = 0): Replica {
    this.#places += 1;
    const place = `198.51.100.${this.#places}:443`;
    const unlisten = this.net.listen(place, (link) => {
      replica.dials += 1;
      this.base.acceptAt(replica.provider, link);
    });
    const links = () =>
      this.net.open.filter(({ target }) => `${target.host}:${target.port}` === place);
    const replica: Replica = {
      ...{ name, weight, priority, uri: `sal://${place}`, dials: 0 },
      provider: this.base.createProvider(),
      crash: () => {
        unlisten();
        for (const { near } of links()) near.cut();
      },
      silence: () => {
        this.net.silent.add(place);
        for (const { near, far } of links()) {
          near.isStalled = true;
          far.isStalled = true;
        }
      },
    };
    this.replicas.push(replica);
    this.publish(...this.locator.replicas, replica);
    return replica;
  }

  /** The record names these instances from now on. */
  publish(...replicas: Replica[]): void {
    this.locator.replicas = replicas;
    this.locator.publish({ endpoints: replicas.map(({ uri }) => uri) });
  }

  /** One address leads to an instance by the label in the server name, and without one to the first. */
  balance(place: string, replicas: readonly Replica[]): void {
    this.net.listen(place, (link: Link) => {
      const { serverName } = this.net.dialling;
      const [label] = serverName.split(".");
      const labelled = replicas.find(({ provider }) => provider.instance.toString("hex") === label);
      const chosen = labelled ?? replicas[0];
      if (chosen === undefined) throw new Error("no instance");
      chosen.dials += 1;
      this.base.acceptAt(chosen.provider, link);
    });
  }

  /** The instance that has a session of the client at its present endpoint. */
  at(endpoint: string): Replica | undefined {
    return this.replicas.find(({ uri }) => uri === endpoint);
  }

  stop(): void {
    this.client.close();
    for (const { provider } of this.replicas) provider.stop();
    this.base.stop();
  }
}
