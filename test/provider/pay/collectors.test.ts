import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { parsePrice, priceText } from "../../../src/cashier/price.ts";
import { Collectors } from "../../../src/provider/pay/collectors.ts";
import { DEPLOYMENT, FakeChain, FakeSender } from "../../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

const terms = (price: string) => ({ price: parsePrice(price), blocPriceWei: 1n });

describe("the collectors of an agent", () => {
  let stateDir: string;
  let collectors: Collectors;
  const log = new MemoryLog();

  beforeEach(() => {
    stateDir = mkdtempSync(path.join(tmpdir(), "collectors-"));
    const timers = new FakeTimers();
    const time = new FakeTime(timers, DEPLOYMENT, 5);
    collectors = new Collectors({
      ...{ client: new FakeChain().client, deployment: DEPLOYMENT, stateDir, timers, time },
      sender: new FakeSender().asSender,
      now: () => time.now() * 1000,
    });
  });
  afterEach(() => {
    rmSync(stateDir, { recursive: true });
  });

  it("are one for each service, also while the old gateway drains beside the new one", async () => {
    const old = collectors.take(7n, terms("1/MB"), log);
    const other = collectors.take(8n, terms("1/MB"), log);
    expect(other.collector).not.to.equal(old.collector);
    const next = collectors.take(7n, terms("2/MB"), log);
    expect(next.collector).to.equal(old.collector);
    expect(priceText(old.collector.quote().price), "the new price counts at once").to.equal("2/MB");
    await old.release();
    const third = collectors.take(7n, terms("3/MB"), log);
    expect(third.collector, "the new one is left").to.equal(next.collector);
    for (const taken of [other, next, third]) await taken.release();
  });

  it("close their books with the last use, and are opened anew after that", async () => {
    const first = collectors.take(7n, terms("1/MB"), log);
    const second = collectors.take(7n, terms("1/MB"), log);
    await first.release();
    await second.release();
    const again = collectors.take(7n, terms("1/MB"), log);
    expect(again.collector).not.to.equal(first.collector);
    await again.release();
  });
});
