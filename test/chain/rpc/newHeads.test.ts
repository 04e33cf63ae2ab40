import { expect } from "chai";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { NewHeads } from "../../../src/chain/rpc/newHeads.ts";
import { startAnvil, type Anvil } from "../../support/anvil.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

describe("NewHeads", () => {
  let anvil: Anvil;
  let refusing: Server;
  let timers: FakeTimers;
  let log: MemoryLog;
  let heads: NewHeads;
  let heard: number;
  let hear: () => void;

  before(async () => {
    anvil = await startAnvil({ args: ["--no-mining"] });
    refusing = createServer();
    refusing.on("upgrade", (_, socket) => socket.destroy());
    refusing.listen(0, "127.0.0.1");
    await once(refusing, "listening");
  });
  after(async () => {
    await anvil.stop();
    refusing.close();
  });

  beforeEach(() => {
    timers = new FakeTimers();
    log = new MemoryLog();
    heard = 0;
    hear = () => undefined;
  });
  afterEach(() => heads.stop());

  const follow = (url: string) => {
    const tell = () => {
      heard += 1;
      hear();
    };
    heads = new NewHeads({ url }, { timers, log, heard: tell });
    return heads.start();
  };
  /** Mines until a block was heard of: the subscription takes a moment. */
  const untilHeard = async () => {
    const before = heard;
    while (heard === before) {
      await anvil.request("evm_mine");
      await anvil.request("eth_blockNumber");
    }
  };

  it("hears of blocks as they come", async () => {
    await follow(anvil.rpcUrl.replace("http", "ws"));
    await untilHeard();
    await untilHeard();
    expect(log.lines).to.deep.equal([]);
  });

  it("says once that it hears nothing, without the URL, and tries again and again", async () => {
    const { port } = refusing.address() as AddressInfo;
    let tries = 0;
    const tried = Promise.withResolvers<undefined>();
    refusing.on("upgrade", () => {
      tries += 1;
      if (tries === 4) tried.resolve(undefined);
    });
    await follow(`ws://127.0.0.1:${port}/secret`);
    await timers.play(tried.promise);
    expect(log.said("warn")).to.deep.equal(["no subscription to new blocks, polling instead"]);
    expect(JSON.stringify(log.lines)).not.to.contain("secret").and.not.to.contain("127.0.0.1");
    expect(timers.monotonic(), "with pauses that grow").to.be.at.least(3_000);
    expect(heard).to.equal(0);
  });

  it("stops while it waits, and while it listens", async () => {
    await follow(anvil.rpcUrl.replace("http", "ws"));
    await untilHeard();
    await heads.stop();
    const { port } = refusing.address() as AddressInfo;
    await follow(`ws://127.0.0.1:${port}/`);
    await heads.stop();
    expect(timers.sleeping).to.equal(0);
  });
});
