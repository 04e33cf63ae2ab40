import { expect } from "chai";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { Hex } from "viem";
import { createClient } from "../../../src/client/createClient.ts";
import type { Client } from "../../../src/client/client.ts";
import { listen } from "../../../src/provider/listen/listen.ts";
import type {
  Listener,
  ListenOptions,
  RecordPublisher,
} from "../../../src/provider/listen/listener.ts";
import { endpointRecords } from "../../../src/protocol/record.ts";
import type { BlockcloudError } from "../../../src/protocol/errors.ts";
import { rootServiceId, serviceId } from "../../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { failureOf } from "../../support/failure.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";
import { WeatherRig } from "../../support/weatherRig.ts";

const ECHO = rootServiceId(2n);

describe("a program that provides a service", function () {
  this.timeout(120_000);

  let rig: WeatherRig;
  let client: Client;
  const listeners: Listener[] = [];

  before(async () => {
    rig = await WeatherRig.start();
    const { deploymentFile: deployment, rpcUrl: rpc, resolverUrl: resolver } = rig;
    client = createClient({ deployment, rpc, resolver, allowLoopback: true });
  });
  after(async () => {
    await client.close();
    await rig.stop();
  });
  beforeEach(() => rig.chain.pass(0));
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((each) => each.close()));
  });

  function options(over: Partial<ListenOptions> = {}): ListenOptions {
    return {
      deployment: rig.deploymentFile,
      rpc: rig.rpcUrl,
      bootstrap: [rig.bootstrap],
      key: readFileSync(rig.echoKeyFile, "utf8").trim() as Hex,
      ports: [7],
      host: "127.0.0.1",
      allowLoopback: true,
      ...over,
    } as ListenOptions;
  }

  async function start(over: Partial<ListenOptions> = {}): Promise<Listener> {
    const listener = await listen(ECHO, options(over));
    listeners.push(listener);
    return listener;
  }

  it("gives each flow to the program, and its client what the program sends", async () => {
    const listener = await start();
    const opening = client.connect(ECHO, { port: 7 });
    for await (const { flow, peer } of listener) {
      expect([flow.port, peer.address, peer.client]).to.deep.equal([7, "127.0.0.1", undefined]);
      flow.pipe(flow);
      break;
    }
    const flow = await opening;
    flow.end("hello");
    expect(await text(flow)).to.equal("hello");
    await rejection("PORT_REFUSED", client.connect(ECHO, { port: 8 }));
  });

  it("closing lets a flow end, ends the iteration, and refuses new ones", async () => {
    const listener = await start();
    const opening = client.connect(ECHO, { port: 7 });
    const { value } = await listener[Symbol.asyncIterator]().next();
    const flow = await opening;
    const closing = listener.close();
    await rejection("SAL_LEAVING", client.connect(ECHO, { port: 7 }));
    const rest = await listener[Symbol.asyncIterator]().next();
    expect(rest.done).to.equal(true);
    value?.flow.pipe(value.flow);
    flow.end("still here");
    expect(await text(flow)).to.equal("still here");
    await closing;
    expect([listener.flows, listener.sessions]).to.deep.equal([0, 0]);
  });

  it("a signal ends the flows at once, and the iteration with its reason", async () => {
    const stop = new AbortController();
    const listener = await start({ signal: stop.signal });
    const iterator = listener[Symbol.asyncIterator]();
    const opening = client.connect(ECHO, { port: 7 });
    await iterator.next();
    const flow = await opening;
    const over = failureOf(text(flow));
    const next = iterator.next();
    next.catch(() => undefined);
    stop.abort(new Error("the program's own"));
    expect((await failureOf(next)).message).to.equal("the program's own");
    expect(await over).to.have.property("code", "SAL_LEAVING");
  });

  it("a signal is not missed, however soon it comes after the record was published", async () => {
    for (let turns = 0; turns < 12; turns++) {
      const stop = new AbortController();
      const publisher: RecordPublisher = {
        peers: 1,
        alone: false,
        publish: () => {
          const stored = Promise.resolve(1);
          let turn = stored;
          for (let count = 0; count < turns; count++) turn = turn.then(() => 1);
          void turn.then(() => {
            stop.abort(new Error("the program's own"));
          });
          return Promise.resolve({ peers: 1, stored });
        },
      };
      const ended = async () => {
        const listener = await start({ publisher, signal: stop.signal });
        await listener[Symbol.asyncIterator]().next();
      };
      expect((await failureOf(ended())).message, `${turns}`).to.equal("the program's own");
    }
  });

  it("beyond the backlog, clients are refused", async () => {
    const listener = await start({ backlog: 1 });
    const waiting = client.connect(ECHO, { port: 7 });
    await until("a flow waits for the program", () => listener.flows === 1);
    await rejection("SAL_BUSY", client.connect(ECHO, { port: 7 }));
    const { value } = await listener[Symbol.asyncIterator]().next();
    value?.flow.resume().end("taken");
    const flow = await waiting;
    flow.end();
    expect(await text(flow)).to.equal("taken");
  });

  it("a publisher of the program's own gets the signed record", async () => {
    const records: Hex[] = [];
    const publisher: RecordPublisher = {
      peers: 1,
      alone: false,
      publish: (_, encoded) => {
        records.push(encoded);
        return Promise.resolve({ peers: 1, stored: Promise.resolve(1) });
      },
    };
    const listener = await start({ publisher, endpoint: "sal://192.0.2.7:4180" });
    const [record = "0x"] = records;
    const { message } = endpointRecords.decode(record);
    expect(message.serviceId).to.equal(ECHO);
    expect(message.endpoints.map(({ uri }) => uri)).to.deep.equal(["sal://192.0.2.7:4180"]);
    expect(listener.endpoints).to.deep.equal(["sal://192.0.2.7:4180"]);
  });

  describe("with a state folder", () => {
    let stateDir: string;

    beforeEach(() => {
      stateDir = mkdtempSync(path.join(rig.chain.folder, "listen-"));
    });

    /** Takes one flow after the other, and gives back what each sends. */
    async function serves(listener: Listener): Promise<void> {
      for await (const { flow } of listener) flow.pipe(flow);
    }

    it("refuses a second process, which would publish, too", async () => {
      await start({ stateDir });
      await rejection("WORKER_RUNNING", listen(ECHO, options({ stateDir })));
    });

    it("is replaced without a cut, and its iteration ends with its last flow", async () => {
      const old = await start({ stateDir });
      const serving = serves(old);
      const flow = await client.connect(ECHO, { port: 7 });
      flow.write("before ");
      await once(flow, "readable");

      const successor = await start({ stateDir, takeOver: true });
      const next = serves(successor);
      await old.replaced;
      expect(successor.address.port).to.equal(old.address.port);
      const another = await client.connect(ECHO, { port: 7 });
      another.end("a new flow");
      expect(await text(another)).to.equal("a new flow");
      expect([old.flows, successor.flows], "flows of each").to.deep.equal([1, 0]);

      flow.end("and after");
      expect(await text(flow)).to.equal("before and after");
      await serving;
      // Closed by itself: its folder, and its lock, are the successor's.
      await old.close();
      await rejection("WORKER_RUNNING", listen(ECHO, options({ stateDir })));
      await successor.close();
      await next;
      await start({ stateDir });
    });

    it("leaves the place to one of two that want it", async () => {
      const first = await start({ stateDir });
      const serving = [serves(first)];
      const both = [1, 2].map(() => start({ stateDir, takeOver: true }));
      const outcomes = await Promise.allSettled(both);
      const failures = outcomes.filter((each) => each.status === "rejected");
      expect(failures.map(({ reason }) => (reason as BlockcloudError).code)).to.deep.equal([
        "WORKER_RUNNING",
      ]);
      const winner = listeners.at(-1) ?? first;
      serving.push(serves(winner));
      await first.replaced;
      const flow = await client.connect(ECHO, { port: 7 });
      expect([first.flows, winner.flows]).to.deep.equal([0, 1]);
      flow.end("served");
      expect(await text(flow)).to.equal("served");
      await winner.close();
      await Promise.all(serving);
    });
  });

  it("a record that no node takes ends the start, with the network's reason", async () => {
    const refusal = new Error("the network's own");
    const publisher: RecordPublisher = {
      peers: 1,
      alone: false,
      publish: () => Promise.reject(refusal),
    };
    const error = await failureOf(listen(ECHO, options({ publisher, timeMs: 1_500 })));
    expect(error).to.deep.include({ code: "SAL_UNPUBLISHED", cause: refusal });
  });

  it("an address that is taken, another key and another service are refused by name", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await rejection("SAL_LISTEN", listen(ECHO, options({ port })));
    server.close();
    await rejection("SERVICE_KEY_OTHER", listen(rootServiceId(1n), options()));
    await rejection("SERVICE_UNREGISTERED", listen(rootServiceId(99n), options()));
    const other = addressOfKey(`0x${"12".repeat(32)}`);
    const sub = serviceId({ prefix: 2n, group: 0, self: other });
    await rejection("SUBSERVICE_KEY", listen(sub, options()));
    await rejection("SERVICE_ID_INVALID", listen("0x12", options()));
  });

  it("an aborted signal ends the start with its reason", async () => {
    const stop = new AbortController();
    const publisher: RecordPublisher = {
      peers: 0,
      alone: false,
      publish: () => {
        stop.abort(new Error("the program's own"));
        return Promise.resolve({ peers: 0, stored: Promise.resolve(0) });
      },
    };
    const failure = await failureOf(listen(ECHO, options({ publisher, signal: stop.signal })));
    expect(failure.message).to.equal("the program's own");
    const again = await failureOf(listen(ECHO, options({ signal: stop.signal })));
    expect(again.message).to.equal("the program's own");
  });

  const wrong: Record<string, Partial<ListenOptions>> = {
    "no port": { ports: [] },
    "port 0": { ports: [0] },
    "a port to listen on beyond 65535": { port: 65_536 },
    "a key that is none": { key: "0x12" },
    "no network": { deployment: undefined },
    "no node of the record network": { bootstrap: [] },
    "a backlog that is no number": { backlog: NaN },
    "a negative time": { drainMs: -1 },
    "a limit that is no number": { limits: { maxFlows: -1 } },
    "a place to take without a folder": { takeOver: true },
  };
  for (const [what, over] of Object.entries(wrong)) {
    it(`is told of ${what}, and the key is not repeated`, async () => {
      const error = await failureOf(listen(ECHO, options(over)));
      expect(error).to.have.property("code", "SAL_OPTIONS");
      expect(error.message).not.to.contain(options().key.slice(2));
    });
  }
});
