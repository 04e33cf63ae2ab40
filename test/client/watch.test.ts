import { expect } from "chai";
import type { Change } from "../../src/resolver/answer.ts";
import { ClientRig, SEVEN, WEATHER } from "../support/clientRig.ts";
import { answerOf } from "../support/fakeResolver.ts";
import { FakeTimers } from "../support/fakeTime.ts";
import { rejection } from "../support/rejection.ts";

describe("a client's watch", () => {
  let timers: FakeTimers;
  let rig: ClientRig;
  beforeEach(() => {
    timers = new FakeTimers();
    rig = new ClientRig({}, timers);
  });
  afterEach(() => rig.client.close());

  const told = ({ value }: IteratorResult<Change, unknown>) =>
    "answer" in (value as Change)
      ? (value as { answer: { endpoints: { uri: string }[] } }).answer.endpoints[0]!.uri
      : (value as { error: { code: string } }).error.code;

  it("tells how things stand, and each change as soon as it is known", async () => {
    rig.at("http://a.example/");
    const changes = rig.client.watch(WEATHER);
    expect(told(await changes.next())).to.equal("http://a.example/");
    const second = changes.next();
    await timers.advance(0);
    expect(timers.sleeping).to.equal(1);
    rig.at("http://b.example/");
    expect(told(await second), "by push: no time has passed").to.equal("http://b.example/");
    const third = changes.next();
    await timers.advance(0);
    rig.resolver.fail(WEATHER, "RECORD_STALE", SEVEN);
    expect(told(await third)).to.equal("RECORD_STALE");
    await changes.return();
    expect(rig.resolver.watching).to.equal(0);
  });

  it("tells of no lease that was only renewed, nor of another order", async () => {
    rig.at("http://a.example/", "http://b.example/");
    const changes = rig.client.watch(WEATHER);
    await changes.next();
    let isTold = false;
    const next = changes.next().finally(() => (isTold = true));
    await timers.advance(0);
    const answer = rig.at("http://a.example/", "http://b.example/");
    const endpoints = answer.endpoints.toReversed();
    rig.resolver.set(WEATHER, { ...answer, endpoints, record: "0xfeed", expiresAt: 9e12 });
    await timers.advance(5_000);
    expect(isTold).to.equal(false);
    rig.at("http://c.example/");
    expect(told(await next)).to.equal("http://c.example/");
    await changes.return();
  });

  it("follows a name to another service, and from there", async () => {
    rig.at("http://a.example/");
    const changes = rig.client.watch(WEATHER);
    await changes.next();
    const second = changes.next();
    await timers.advance(0);
    const other = answerOf(8n, {
      endpoints: [{ uri: "http://8.example/", priority: 0, weight: 1 }],
    });
    // Pushes are of IDs: that a name means another one, is seen by asking.
    rig.resolver.set(WEATHER, other);
    await timers.advance(1_000);
    expect(told(await second)).to.equal("http://8.example/");
    const third = changes.next();
    await timers.advance(0);
    rig.resolver.set(WEATHER, { ...other, endpoints: [{ ...other.endpoints[0]!, weight: 2 }] });
    expect(told(await third)).to.equal("http://8.example/");
    await changes.return();
  });

  it("skips what a slow reader was too slow for, and tells the newest", async () => {
    rig.at("http://a.example/");
    const changes = rig.client.watch(WEATHER);
    await changes.next();
    const second = changes.next();
    await timers.advance(0);
    rig.at("http://b.example/");
    await second;
    rig.at("http://c.example/");
    rig.at("http://d.example/");
    expect(told(await changes.next())).to.equal("http://d.example/");
    await changes.return();
  });

  it("waits for a service that is not known yet", async () => {
    const changes = rig.client.watch(WEATHER);
    expect(told(await changes.next())).to.equal("SERVICE_UNKNOWN");
    const next = changes.next();
    await timers.advance(0);
    rig.at("http://a.example/");
    await timers.advance(1_000);
    expect(told(await next)).to.equal("http://a.example/");
    await changes.return();
  });

  it("ends with the signal's reason, and with the client", async () => {
    rig.at("http://a.example/");
    const abort = new AbortController();
    const one = rig.client.watch(WEATHER, { signal: abort.signal });
    const other = rig.client.watch(WEATHER);
    await one.next();
    await other.next();
    const [oneEnds, otherEnds] = [one.next().catch((e: unknown) => e), other.next()];
    const closed = rejection("CLIENT_CLOSED", otherEnds);
    await timers.advance(0);
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await oneEnds).to.equal(reason);
    expect(rig.resolver.watching).to.equal(1);
    await rig.client.close();
    await closed;
    expect(rig.resolver.watching).to.equal(0);
  });
});
