import { expect } from "chai";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Mappings } from "../../../../src/sal/proxy/map/mappings.ts";
import { MappedListeners } from "../../../../src/sal/proxy/map/mappedListeners.ts";
import { MapStore } from "../../../../src/sal/proxy/map/mapStore.ts";
import { addressText, numberOf, parseMapRange } from "../../../../src/sal/proxy/map/range.ts";
import { FakeTimers } from "../../../support/fakeTime.ts";
import { freePort, MappedRig } from "../../../support/mappedRig.ts";
import { MemoryLog } from "../../../support/memoryLog.ts";
import { rejection } from "../../../support/rejection.ts";

const TEN_MINUTES = 600_000;

describe("listeners of mapped addresses", () => {
  const base = numberOf(`127.${100 + (process.pid % 100)}.250.2`);
  let now: number;
  let pinned: Set<number>;
  let listeners: MappedListeners;
  let port: number;
  let accepted: Socket[];
  let taken: PromiseWithResolvers<undefined>;

  beforeEach(async () => {
    now = 0;
    pinned = new Set();
    accepted = [];
    taken = Promise.withResolvers();
    port = await freePort();
    listeners = new MappedListeners(
      { ports: [port], maxAddresses: 2 },
      {
        accept: (socket) => {
          accepted.push(socket);
          taken.resolve(undefined);
        },
        isPinned: (address) => pinned.has(address),
        monotonic: () => now,
        logger: new MemoryLog(),
      },
    );
  });
  afterEach(async () => {
    for (const socket of accepted) socket.destroy();
    await listeners.stop();
  });

  it("opens an address once, however many programs ask for it at once", async () => {
    await Promise.all([listeners.open(base), listeners.open(base), listeners.open(base)]);
    expect(listeners.size).to.equal(1);
    // An address whose listeners were lost could never be opened again.
    await listeners.open(base);
  });

  it("keeps within its number of addresses, also for those that are asked for at once", async () => {
    const asked = [0, 1, 2].map((each) => listeners.open(base + each));
    const results = await Promise.allSettled(asked);
    expect(results.map(({ status }) => status)).to.deep.equal([
      ...["fulfilled", "fulfilled", "rejected"],
    ]);
    expect(listeners.size).to.equal(2);
  });

  it("listens nowhere after it was stopped, also not where it was about to", async () => {
    const opening = listeners.open(base).catch(() => undefined);
    await listeners.stop();
    await opening;
    const socket = connect(port, addressText(base));
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).to.equal("ECONNREFUSED");
  });

  it("the one that was asked for longest ago makes room, after ten minutes", async () => {
    await listeners.open(base);
    now = 1;
    await listeners.open(base + 1);
    now = TEN_MINUTES - 1;
    await rejection("PROXY_MAP_LISTENERS", listeners.open(base + 2));
    now = TEN_MINUTES;
    await listeners.open(base + 2);
    expect([0, 1, 2].map((each) => listeners.isOpen(base + each))).to.deep.equal([
      ...[false, true, true],
    ]);
  });

  it("one that has a connection stays, one of a hosts file stays, and one that was asked again", async () => {
    await listeners.open(base);
    const socket = connect(port, addressText(base));
    await taken.promise;
    pinned.add(base + 1);
    await listeners.open(base + 1);
    now = 2 * TEN_MINUTES;
    await rejection("PROXY_MAP_LISTENERS", listeners.open(base + 2));
    expect(listeners.isInUse(base)).to.equal(true);
    pinned.clear();
    await listeners.open(base + 1);
    await rejection("PROXY_MAP_LISTENERS", listeners.open(base + 2));
    socket.destroy();
  });

  it("a port that is taken is told, and leaves nothing open", async () => {
    const other = new MappedListeners(
      { ports: [await freePort(), port], maxAddresses: 2 },
      {
        accept: () => {},
        isPinned: () => false,
        monotonic: () => 0,
        logger: new MemoryLog(),
      },
    );
    await listeners.open(base);
    await rejection("PROXY_MAP_LISTEN", other.open(base));
    expect(other.size).to.equal(0);
    // It is tried again when it is asked for again.
    await rejection("PROXY_MAP_LISTEN", other.open(base));
  });
});

describe("proxy hosts beside a running proxy", () => {
  it("the proxy opens the address of a hosts line, for which no query comes", async () => {
    const rig = new MappedRig();
    const timers = new FakeTimers();
    try {
      await rig.start({}, {}, { timers });
      const serviceId = await rig.web("weather.bloc.alt");
      const store = new MapStore(rig.file);
      const range = parseMapRange(rig.range)!;
      const options = { now: () => rig.now, isInUse: () => true, mayMap: () => true };
      const mappings = new Mappings(range, { store, ...options });
      const mapping = mappings.of(serviceId, "weather.bloc.alt");
      mappings.pin(mapping, true);
      store.close();
      const opened = new Promise<void>((resolve) => {
        rig.changed = (_, listening) => {
          if (listening === 1) resolve();
        };
      });
      await timers.play(opened);
      const socket = connect(rig.port, addressText(mapping.address));
      socket.write("GET / HTTP/1.0\r\nHost: weather.bloc.alt\r\n\r\n");
      const [answer] = (await once(socket, "data")) as [Buffer];
      expect(answer.toString()).to.match(/^HTTP\/1\.1 200 /);
      socket.resetAndDestroy();
      expect(rig.asked).to.deep.equal(["weather.bloc.alt"]);
    } finally {
      await rig.stop();
    }
  });
});
