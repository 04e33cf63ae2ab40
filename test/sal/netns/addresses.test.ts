import { expect } from "chai";
import type { ChildProcess } from "node:child_process";
import { PORT, type News, type Order } from "./messages.ts";
import { Network, type Host } from "./network.ts";

/** How much arrives between two changes, bytes. */
const BETWEEN = 5_000_000;

describe("hosts whose addresses change under load, in network namespaces", () => {
  let network: Network;
  let listeners: ((host: Host, news: News) => void)[];

  before(function () {
    if (!Network.isPossible) this.skip();
  });
  beforeEach(() => {
    network = new Network();
    network.start();
    listeners = [];
  });
  afterEach(() => network.stop());

  function run(host: Host): ChildProcess {
    const child = network.run(host, `${host}.ts`);
    child.on("message", (news: News) => {
      for (const listener of [...listeners]) listener(host, news);
    });
    child.once("exit", (code) => {
      for (const listener of [...listeners]) listener(host, { failed: `ended with ${code}` });
    });
    return child;
  }

  /** The next news of a host that a test waits for; a failure of either host ends the wait. */
  function next<T>(from: Host, pick: (news: News) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const listen = (host: Host, news: News) => {
        const picked = host === from ? pick(news) : undefined;
        if (picked === undefined && !("failed" in news)) return;
        listeners.splice(listeners.indexOf(listen), 1);
        if (picked !== undefined) resolve(picked);
        else reject(new Error(`${host}: ${JSON.stringify(news)}`));
      };
      listeners.push(listen);
    });
  }

  const ready = (host: Host) => next(host, (news) => ("ready" in news ? true : undefined));
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

  for (const hosts of [["client"], ["provider"], ["client", "provider"]] as Host[][]) {
    it(`no byte is lost when the address of ${hosts.join(" and ")} changes, four times`, async () => {
      const listening = ready("provider");
      const provider = run("provider");
      await listening;
      const started = ready("client");
      const client = run("client");
      await started;
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
      const totals = Promise.all([total("provider"), total("client")]);
      send(provider, { end: true });
      const [sent, received] = await totals;
      expect(received).to.deep.equal(sent);
    });
  }
});
