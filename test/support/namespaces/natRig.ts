import { expect } from "chai";
import type { ChildProcess } from "node:child_process";
import { isIP } from "node:net";
import { VISITORS, type News, type Order } from "./messages.ts";
import { NatNetwork, type NatNetworkOptions } from "./natNetwork.ts";

type Node = "client" | "provider" | "relay";
type Told<K extends string> = Extract<News, Record<K, unknown>>;

export interface NatRigOptions extends NatNetworkOptions {
  /** Settings of the two programs (client.ts, provider.ts). */
  clientSetting?: object;
  providerSetting?: object;
  /** The client's program, in place of client.ts. */
  clientFile?: string;
  /** Whether the relay is that of this software, and not one that only joins connections. */
  isReal?: boolean;
  /** What the relay says of each visitor, `address port`, in the place of the truth. */
  lie?: string;
}

/** A relayed flow between two hosts behind NATs, each in a process of its own. */
export class NatRig {
  readonly network: NatNetwork;
  readonly #options: NatRigOptions;
  readonly #listeners: ((from: Node, news: News) => void)[] = [];
  readonly #children = new Map<Node, ChildProcess>();

  constructor(options: NatRigOptions) {
    this.#options = options;
    this.network = new NatNetwork(options);
  }

  /** Starts all three; resolves when the client may begin. */
  async start(prepare: () => void = () => {}): Promise<void> {
    this.network.start();
    prepare();
    const { relay } = this.network;
    const { clientSetting = {}, lie, isReal = false } = this.#options;
    const providerSetting = { ...this.#options.providerSetting, isReal };
    if (isReal) await this.#run("relay", `${relay}:${VISITORS}`);
    else await this.#run("relay", ...(lie === undefined ? [] : [lie]));
    await Promise.all([
      this.#run("provider", relay, JSON.stringify(providerSetting)),
      this.#run("client", JSON.stringify(clientSetting)),
    ]);
  }

  /** Begins a flow over the relay. */
  begin(): void {
    const { relay } = this.network;
    const host = isIP(relay) === 6 ? `[${relay}]` : relay;
    this.#send("client", { at: `sal://${host}:${VISITORS}?relay` });
  }

  /** The next news of the client that has a field; a failure of any process ends the wait. */
  next<K extends string>(
    key: K,
    picks: (news: Told<K>) => boolean = () => true,
    from: Node = "client",
  ): Promise<Told<K>> {
    return new Promise((resolve, reject) => {
      const listen = (node: Node, news: News) => {
        const isPicked = node === from && key in news && picks(news as Told<K>);
        if (!isPicked && !("failed" in news)) return;
        this.#listeners.splice(this.#listeners.indexOf(listen), 1);
        if (isPicked) resolve(news as Told<K>);
        else reject(new Error(`${node}: ${JSON.stringify(news)}`));
      };
      this.#listeners.push(listen);
    });
  }

  /** Resolves when the flow goes on over a path of this kind. */
  async path(kind: string): Promise<Told<"moved">> {
    return this.next("moved", ({ path }) => path === kind);
  }

  /** Resolves when that many bytes more have arrived. */
  async more(bytes = 1_000_000): Promise<void> {
    let from: number | undefined;
    await this.next("received", ({ received }) => {
      from ??= received;
      return received - from >= bytes;
    });
  }

  /** Ends the feed; what arrived must be what was sent. */
  async compare(): Promise<void> {
    const totals = Promise.all([
      this.next("digest", undefined, "provider"),
      this.next("digest", undefined, "client"),
    ]);
    this.#send("provider", { end: true });
    const [sent, received] = await totals;
    expect(received).to.deep.equal(sent);
  }

  /** The provider has the gateway take its port away. */
  async unmap(): Promise<void> {
    const over = this.next("unmapped", undefined, "provider");
    this.#send("provider", { unmap: true });
    await over;
  }

  async stop(): Promise<void> {
    await this.network.stop();
  }

  async #run(node: Node, ...args: string[]): Promise<void> {
    const ready = this.next("ready", undefined, node);
    const { clientFile = "client.ts", isReal = false } = this.#options;
    const files = {
      client: clientFile,
      provider: "provider.ts",
      relay: isReal ? "realRelay.ts" : "relay.ts",
    };
    const child = this.network.run(node, files[node], ...args);
    this.#children.set(node, child);
    child.on("message", (news: News) => {
      for (const listener of [...this.#listeners]) listener(node, news);
    });
    child.once("exit", (code) => {
      for (const listener of [...this.#listeners]) listener(node, { failed: `ended with ${code}` });
    });
    await ready;
  }

  #send(node: Node, order: Order): void {
    this.#children.get(node)?.send(order);
  }
}
