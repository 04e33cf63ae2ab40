import { expect } from "chai";
import fc from "fast-check";
import { readFirstBytes } from "../../../../src/sal/proxy/map/requestHead.ts";
import "../../../support/arbitraries.ts";
import { runs } from "../../../support/runs.ts";

const MAX = 1024;
const read = (text: string) => readFirstBytes(Buffer.from(text, "latin1"), MAX);

/** Beginnings that are a request but for some places. */
const damaged = fc
  .tuple(
    fc.constantFrom(
      "GET / HTTP/1.1\r\nHost: weather.bloc.alt\r\n\r\n",
      "POST http://weather.bloc.alt/ HTTP/1.1\nHost: a\nX: y\n\nbody",
      "CONNECT a:1 HTTP/1.0\r\nHost: a\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2p1\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ),
    fc.array(fc.tuple(fc.nat(70), fc.nat(255)), { maxLength: 3 }),
  )
  .map(([good, changes]) => {
    const bytes = Buffer.from(good, "latin1");
    for (const [place, value] of changes) if (place < bytes.length) bytes[place] = value;
    return bytes;
  });
const bytes = fc.oneof(
  damaged,
  fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw)),
);

describe("the first bytes of a program at a mapped address", () => {
  it("mean the same, however they are cut: what was decided stays decided", () => {
    fc.assert(
      fc.property(bytes, (all) => {
        const whole = readFirstBytes(all, MAX);
        for (let length = 0; length < all.length; length += 1) {
          const part = readFirstBytes(all.subarray(0, length), MAX);
          if (part.kind !== "short") expect(part).to.deep.equal(whole);
        }
      }),
      { numRuns: runs(500, 20_000) },
    );
  });

  it("never name more than one Host, and no host that is not in them", () => {
    fc.assert(
      fc.property(bytes, (all) => {
        const found = readFirstBytes(all, MAX);
        if (found.kind !== "request") return;
        expect(found.authorities.length).to.be.within(1, 2);
        for (const each of found.authorities) expect(all.toString("latin1")).to.contain(each);
        expect(all.toString("latin1").match(/\nhost:/gi)).to.have.length(1);
      }),
      { numRuns: runs(500, 20_000) },
    );
  });

  it("a request after empty lines is one, and so is one with tabs that a lenient server reads", () => {
    expect(read("\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")).to.deep.equal({
      kind: "request",
      authorities: ["a"],
    });
    expect(read("\r\n")).to.deep.equal({ kind: "short" });
    expect(read("\r\nhello\r\n")).to.deep.equal({ kind: "other" });
    expect(read("GET\t/\tHTTP/1.1\r\n")).to.include({ kind: "refused" });
  });

  it("are bounded: neither a line nor a head may grow for ever", () => {
    expect(read(`GET /${"x".repeat(2 * MAX)}`)).to.include({ kind: "refused" });
    expect(read(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(2 * MAX)}`)).to.include({
      kind: "refused",
    });
    expect(read("x".repeat(33))).to.deep.equal({ kind: "other" });
  });
});
