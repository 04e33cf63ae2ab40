import { expect } from "chai";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { AnswerCache, type CachedAnswer } from "../../../src/resolver/dns/answerCache.ts";
import { writeMessage } from "../../../src/resolver/dns/message.ts";
import { QueryReader } from "../../../src/resolver/dns/query.ts";
import { queryFor } from "../../support/dnsRig.ts";

describe("AnswerCache", () => {
  const reader = new QueryReader(5);
  const packetOf = (name: string) => queryFor({ name });

  function entry(name: string, service: bigint, until = 1_000): [number, CachedAnswer] {
    const packet = packetOf(name);
    reader.read(packet);
    const question = Uint8Array.from(packet.subarray(12));
    const template = writeMessage({ question, rcode: 0 });
    const serviceId = rootServiceId(service);
    return [
      reader.hash,
      { template, question, serviceId, until, leaseEnd: until, maxTtl: 30, ttl: -1 },
    ];
  }

  const has = (cache: AnswerCache, name: string, now = 0) => {
    const packet = packetOf(name);
    reader.read(packet);
    return cache.get(packet, reader, now) !== undefined;
  };

  it("finds a name in any case, until its time", () => {
    const cache = new AnswerCache(10);
    cache.put(...entry("a.bloc.alt", 1n));
    expect([has(cache, "A.bloc.ALT"), has(cache, "b.bloc.alt")]).to.deep.equal([true, false]);
    expect([has(cache, "a.bloc.alt", 999), has(cache, "a.bloc.alt", 1_000)]).to.deep.equal([
      true,
      false,
    ]);
  });

  it("never takes one question for another, though their hashes meet", () => {
    const cache = new AnswerCache(10);
    const [, answer] = entry("a.bloc.alt", 1n);
    const [hash] = entry("b.bloc.alt", 1n);
    cache.put(hash, answer);
    expect(has(cache, "b.bloc.alt")).to.equal(false);
  });

  it("drops all of a service, and nothing else", () => {
    const cache = new AnswerCache(10);
    cache.put(...entry("a.bloc.alt", 1n));
    cache.put(...entry("x.a.bloc.alt", 1n));
    cache.put(...entry("b.bloc.alt", 2n));
    cache.drop(rootServiceId(1n));
    cache.drop(rootServiceId(9n));
    expect(
      ["a.bloc.alt", "x.a.bloc.alt", "b.bloc.alt"].map((name) => has(cache, name)),
    ).to.deep.equal([false, false, true]);
    expect(cache.size).to.equal(1);
  });

  it("keeps its size: the oldest goes", () => {
    const cache = new AnswerCache(2);
    for (const name of ["a", "b", "a", "c"]) cache.put(...entry(`${name}.bloc.alt`, 1n));
    expect(["a", "b", "c"].map((name) => has(cache, `${name}.bloc.alt`))).to.deep.equal([
      true,
      false,
      true,
    ]);
    cache.drop(rootServiceId(1n));
    expect(cache.size).to.equal(0);
  });
});
