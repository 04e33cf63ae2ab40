import { expect } from "chai";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
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
  };
  for (const [what, over] of Object.entries(wrong)) {
    it(`is told of ${what}, and the key is not repeated`, async () => {
      const error = await failureOf(listen(ECHO, options(over)));
      expect(error).to.have.property("code", "SAL_OPTIONS");
      expect(error.message).not.to.contain(options().key.slice(2));
    });
  }
});
