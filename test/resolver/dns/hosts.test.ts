import { expect } from "chai";
import { Hosts } from "../../../src/resolver/dns/hosts.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { rejection } from "../../support/rejection.ts";

describe("Hosts", () => {
  let timers: FakeTimers;
  let asked: string[];
  let hosts: Hosts;
  let resolve: (
    host: string,
    signal: AbortSignal,
  ) => Promise<{ address: string; family: number }[]>;

  beforeEach(() => {
    timers = new FakeTimers();
    asked = [];
    resolve = async () => [{ address: "8.8.8.8", family: 4 }];
    hosts = new Hosts(
      { keepMs: 30_000, maxHosts: 2, maxPending: 2, timeMs: 2_000 },
      {
        resolve: (host, signal) => {
          asked.push(host);
          return resolve(host, signal);
        },
        timers,
      },
    );
  });

  it("caches a result for half a minute", async () => {
    expect(await hosts.addresses("a")).to.deep.equal(["8.8.8.8"]);
    timers.pass(29_999);
    await hosts.addresses("a");
    expect(asked).to.deep.equal(["a"]);
    timers.pass(1);
    await hosts.addresses("a");
    expect(asked).to.deep.equal(["a", "a"]);
  });

  it("asks once for all who want to know", async () => {
    await Promise.all([hosts.addresses("a"), hosts.addresses("a"), hosts.addresses("b")]);
    expect(asked).to.deep.equal(["a", "b"]);
  });

  it("keeps its size, and uses so many addresses of one host", async () => {
    resolve = async () =>
      Array.from({ length: 20 }, (_, n) => ({ address: `8.8.8.${n}`, family: 4 }));
    for (const host of ["a", "b", "c", "b", "a"]) {
      expect(await hosts.addresses(host)).to.have.length(8);
    }
    expect(asked).to.deep.equal(["a", "b", "c", "a"]);
  });

  it("remembers that a host does not exist, but not a failed resolution", async () => {
    const fail = (code: string) => {
      resolve = () => Promise.reject(Object.assign(new Error(code), { code }));
    };
    fail("ENOTFOUND");
    expect(await hosts.addresses("a")).to.deep.equal([]);
    expect(await hosts.addresses("a")).to.deep.equal([]);
    fail("ESERVFAIL");
    await rejection("HOST_UNREACHABLE", hosts.addresses("b"));
    await rejection("HOST_UNREACHABLE", hosts.addresses("b"));
    expect(asked).to.deep.equal(["a", "b", "b"]);
  });

  it("waits two seconds, for two at a time", async () => {
    const signals: AbortSignal[] = [];
    resolve = (_, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    };
    const waiting = ["a", "b"].map((host) => rejection("HOST_UNREACHABLE", hosts.addresses(host)));
    await rejection("HOST_UNREACHABLE", hosts.addresses("c"));
    expect(asked).to.deep.equal(["a", "b"]);
    await timers.advance(2_000);
    await Promise.all(waiting);
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true, true]);
    resolve = async () => [];
    expect(await hosts.addresses("c")).to.deep.equal([]);
  });
});
