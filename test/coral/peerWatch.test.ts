import { expect } from "chai";
import { ALONE_MS, PeerWatch } from "../../src/coral/peerWatch.ts";
import { FakeTimers } from "../support/fakeTime.ts";
import { MemoryLog } from "../support/memoryLog.ts";

describe("PeerWatch", () => {
  let timers: FakeTimers;
  let log: MemoryLog;
  let network: { peers: number };
  let watch: PeerWatch;

  beforeEach(async () => {
    timers = new FakeTimers();
    log = new MemoryLog();
    network = { peers: 0 };
    watch = new PeerWatch(network, { timers, log });
    await watch.start();
  });
  afterEach(async () => {
    await watch.stop();
    expect(timers.sleeping).to.equal(0);
  });

  const LOST = "no peer of the record network is connected";
  const BACK = "peers of the record network are connected again";

  it("gives a node time to connect, then warns once, with the remedy", async () => {
    await timers.advance(ALONE_MS - 1);
    expect([watch.alone, log.said("warn")]).to.deep.equal([false, []]);
    await timers.advance(3_600_000);
    expect(watch.alone).to.equal(true);
    expect(log.said("warn")).to.deep.equal([LOST]);
    expect(log.lines[0]?.fields).to.have.property("peers", 0);
    expect(log.lines[0]?.fields).to.have.property("remedy").that.contains("--coral-bootstrap");
  });

  it("says once that peers are back, and warns again when they are lost again", async () => {
    await timers.advance(ALONE_MS);
    network.peers = 2;
    expect(watch.alone, "at once").to.equal(false);
    await timers.advance(60_000);
    expect(log.lines.map(({ message }) => message)).to.deep.equal([LOST, BACK]);
    expect(log.lines[1]).to.deep.include({ level: "info", fields: { peers: 2 } });
    network.peers = 0;
    await timers.advance(ALONE_MS + 1_000);
    expect(log.said("warn")).to.deep.equal([LOST, LOST]);
  });

  it("says nothing of a short gap, however often there is one", async () => {
    network.peers = 1;
    await timers.advance(60_000);
    for (let time = 0; time < 20; time++) {
      network.peers = 0;
      await timers.advance(ALONE_MS - 2_000);
      network.peers = 1;
      await timers.advance(2_000);
    }
    expect(log.lines).to.deep.equal([]);
  });
});
