import { expect } from "chai";
import { getEventListeners } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { Slots } from "../../src/node/slots.ts";
import { failureOf } from "../support/httpClient.ts";

const { signal } = new AbortController();

describe("Slots", () => {
  it("lets in so many and no more, and the others in the order in which they came", async () => {
    const slots = new Slots(2);
    const entered: number[] = [];
    const exits: (() => void)[] = [];
    for (let i = 0; i < 5; i++) {
      void slots.take(signal).then((exit) => {
        entered.push(i);
        exits.push(exit);
      });
    }
    await turn();
    expect(entered).to.deep.equal([0, 1]);
    for (const expected of [3, 4, 5]) {
      exits.shift()?.();
      await turn();
      expect(entered).to.have.length(expected);
      expect(slots.taken).to.equal(2);
    }
    expect(entered).to.deep.equal([0, 1, 2, 3, 4]);
    for (const exit of exits) exit();
    expect(slots.taken).to.equal(0);
    expect(getEventListeners(signal, "abort")).to.deep.equal([]);
  });

  it("gives the place of whoever left the queue to the next", async () => {
    const slots = new Slots(1);
    const exit = await slots.take(signal);
    const abort = new AbortController();
    const reason = new Error("the epoch is over");
    const gone = failureOf(slots.take(abort.signal));
    const next = slots.take(signal);
    abort.abort(reason);
    expect(await gone).to.equal(reason);
    exit();
    (await next)();
    expect(slots.taken).to.equal(0);
  });

  it("has no place for whoever comes too late", async () => {
    const slots = new Slots(1);
    const reason = new Error("over");
    expect(await failureOf(slots.take(AbortSignal.abort(reason)))).to.equal(reason);
    expect(slots.taken).to.equal(0);
  });
});
