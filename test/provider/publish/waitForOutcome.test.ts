import { expect } from "chai";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { waitForOutcome } from "../../../src/provider/publish/waitForOutcome.ts";
import { ProviderStore } from "../../../src/provider/store.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { rejection } from "../../support/rejection.ts";

const NOW = 1_700_000_000_000;
const to = (uri: string) => ({ uri, listen: undefined });
const done = (uri: string) => ({ uris: [uri], issuedAt: 1, peers: 1, milliseconds: 1 });

describe("waitForOutcome", () => {
  let timers: FakeTimers;
  let store: ProviderStore;
  let interrupt: AbortController;
  const wait = (id: number) =>
    waitForOutcome(store, id, { waitMs: 10_000, timers, signal: interrupt.signal });

  beforeEach(() => {
    timers = new FakeTimers();
    store = new ProviderStore(":memory:");
    interrupt = new AbortController();
  });
  afterEach(() => {
    store.close();
  });

  it("withdraws a move that no agent took: one that starts later stays where it was", async () => {
    const old = store.requestMove(to("https://old.example"), NOW + 10_000);
    store.takeMove(old);
    store.concludeMove(old, done("https://old.example"));
    const id = store.requestMove(to("https://new.example"), NOW + 10_000);
    const failed = rejection("AGENT_SILENT", wait(id));
    await timers.advance(10_000);
    await failed;
    expect(store.move(NOW)?.id).to.equal(old);
    expect(store.requestedMove(id)).to.equal(undefined);
  });

  it("withdraws a move that is interrupted", async () => {
    const id = store.requestMove(to("https://new.example"), NOW + 10_000);
    const failed = rejection("INTERRUPTED", wait(id));
    interrupt.abort(new BlockcloudError("INTERRUPTED", "Ctrl-C"));
    await timers.advance(20);
    await failed;
    expect(store.move(NOW)).to.equal(undefined);
  });

  it("leaves a move that an agent has taken to it", async () => {
    const id = store.requestMove(to("https://new.example"), NOW + 10_000);
    const failed = rejection("AGENT_SLOW", wait(id));
    expect(store.takeMove(id)).to.equal(true);
    await timers.advance(10_000);
    await failed;
    expect(store.move(NOW + 60_000)?.id).to.equal(id);
  });

  it("does not take back what the agent answered at the last moment", async () => {
    const id = store.requestMove(to("https://new.example"), NOW + 10_000);
    const outcome = wait(id);
    store.takeMove(id);
    store.concludeMove(id, done("https://new.example"));
    await timers.advance(20);
    expect(await outcome).to.deep.equal(done("https://new.example"));
  });
});
