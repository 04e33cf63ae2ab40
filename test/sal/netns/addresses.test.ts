import { expect } from "chai";
import type { ChildProcess } from "node:child_process";
import { PORT, type News, type Order } from "./messages.ts";
import { Network, type Host } from "./network.ts";

type Node = Host | "router";

/** How much arrives between two changes, bytes. */
const BETWEEN = 5_000_000;

describe("hosts whose addresses change under load, in network namespaces", () => {
  let network: Network;
  let listeners: ((host: Node, news: News) => void)[];

  before(function () {
    if (!Network.isPossible) this.skip();
  });
  beforeEach(() => {
    network = new Network();
    network.start();
    listeners = [];
  });
  afterEach(() => network.stop());

  /** Starts a host's process; resolves when it is ready. */
  async function run(host: Node, ...args: string[]): Promise<ChildProcess> {
    const ready = next(host, (news) => ("ready" in news ? true : undefined));
    const child = network.run(host, `${host}.ts`, ...args);
    child.on("message", (news: News) => {
      for (const listener of [...listeners]) listener(host, news);
    });
    child.once("exit", (code) => {
      for (const listener of [...listeners]) listener(host, { failed: `ended with ${code}` });
    });
    await ready;
    return child;
  }

  /** The next news of a host that a test waits for; a failure of either host ends the wait. */
  function next<T>(from: Node, pick: (news: News) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const listen = (host: Node, news: News) => {
        const picked = host === from ? pick(news) : undefined;
        if (picked === undefined && !("failed" in news)) return;
        listeners.splice(listeners.indexOf(listen), 1);
        if (picked !== undefined) resolve(picked);
        else reject(new Error(`${host}: ${JSON.stringify(news)}`));
      };
      listeners.push(listen);
    });
  }

  const moved = () => next("client", (news) => ("moved" in news ? news.moved : undefined));
  const total = (host: Host) => next(host, (news) => ("digest" in news ? news : undefined));
  const send = (to: ChildProcess, order: Order) => to.send(order);

  /** Resolves when that many bytes more have arrived. */
  function more(): Promise<number> {
    let from: number | undefined;
    return next("client", (news) => {
      if (!("received" in news)) return undefined;
      from ??= news.received;
      return news.received - from >= BETWEEN ? news.received : undefined;
    });
  }

  /** Ends the feed; what arrived is what was sent. */
  async function compare(provider: ChildProcess): Promise<void> {
    const totals = Promise.all([total("provider"), total("client")]);
    send(provider, { end: true });
    const [sent, received] = await totals;
    expect(received).to.deep.equal(sent);
  }

  for (const hosts of [["client"], ["provider"], ["client", "provider"]] as Host[][]) {
    it(`no byte is lost when the address of ${hosts.join(" and ")} changes, four times`, async () => {
      const provider = await run("provider");
      const client = await run("client");
      const publish = () => send(client, { at: `sal://${network.address("provider")}:${PORT}` });
      publish();
      await more();
      for (let change = 0; change < 4; change++) {
        const goesOn = moved();
        for (const host of hosts) network.change(host);
        if (hosts.includes("provider")) publish();
        expect(await goesOn).to.be.oneOf(["interfaces", "silence", "lost"]);
        await more();
      }
      await compare(provider);
    });
  }

  it("nor when the path delays and loses besides, and the client's address changes", async () => {
    const seed = String(Date.now() % 100_000);
    const provider = await run("provider");
    await run("router", network.address("provider"), seed);
    const client = await run("client");
    send(client, { at: `sal://${network.router}:${PORT}` });
    await more();
    for (let change = 0; change < 3; change++) {
      const goesOn = moved();
      network.change("client");
      expect(await goesOn, `seed ${seed}`).to.be.oneOf(["interfaces", "silence", "lost"]);
      await more();
    }
    await compare(provider);
  });
});
