import { expect } from "chai";
import fc from "fast-check";
import {
  encodeProbe,
  MAX_PROBE_BYTES,
  parseProbe,
  type ProbeInput,
} from "../../src/protocol/probe.ts";
import { expectCode } from "../support/expectCode.ts";
import "../support/arbitraries.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const withRequest = (request: object) => utf8(JSON.stringify({ v: 1, requests: [request] }));

describe("probe", () => {
  it("fills in defaults", () => {
    const bytes = encodeProbe({ v: 1, requests: [{ path: "/" }] });
    expect(parseProbe(bytes)).to.deep.equal({
      v: 1,
      requests: [{ method: "GET", path: "/", headers: {}, status: 200 }],
    });
  });

  it("reads back what it wrote", () => {
    const probe = {
      v: 1,
      requests: [
        {
          method: "POST",
          path: "/rpc?a=%20b",
          headers: { "content-type": "application/json" },
          body: '{"id":1}',
          status: 201,
          sha256: "ab".repeat(32),
          json: [
            { pointer: "/result/0/a~1b", type: "string", hex: true },
            { pointer: "", equals: null },
          ],
        },
      ],
    } satisfies ProbeInput;
    expect(parseProbe(encodeProbe(probe))).to.deep.equal(probe);
  });

  it("takes exactly 1 KiB", () => {
    const empty = encodeProbe({ v: 1, requests: [{ path: "/", body: "" }] }).length;
    const body = "a".repeat(MAX_PROBE_BYTES - empty);
    expect(encodeProbe({ v: 1, requests: [{ path: "/", body }] }).length).to.equal(MAX_PROBE_BYTES);
    expectCode("PROBE_INVALID", () =>
      encodeProbe({ v: 1, requests: [{ path: "/", body: `${body}a` }] }),
    );
  });

  it("does not write what it would not read", () => {
    expectCode("PROBE_INVALID", () => encodeProbe({ v: 1, requests: [{ path: "no-slash" }] }));
    expectCode("PROBE_INVALID", () => encodeProbe({ v: 1, requests: [] }));
  });

  const hostile: [string, Uint8Array][] = [
    ["nothing", new Uint8Array()],
    ["a byte too many", new Uint8Array(MAX_PROBE_BYTES + 1).fill(0x20)],
    ["no UTF-8", new Uint8Array([0xff, 0xfe])],
    ["no JSON", utf8("{")],
    ["null", utf8("null")],
    ["a list", utf8("[]")],
    ["another version", utf8('{"v":2,"requests":[{"path":"/"}]}')],
    ["an unknown field", utf8('{"v":1,"requests":[{"path":"/"}],"x":1}')],
    ["an unknown field of a request", withRequest({ path: "/", host: "evil.example" })],
    ["no request", utf8('{"v":1,"requests":[]}')],
    ["17 requests", utf8(JSON.stringify({ v: 1, requests: Array(17).fill({ path: "/" }) }))],
    ["a method that changes things", withRequest({ path: "/", method: "DELETE" })],
    ["a whole URL", withRequest({ path: "http://169.254.169.254/" })],
    ["a path with a space", withRequest({ path: "/a b" })],
    ["a path with a line feed", withRequest({ path: "/ HTTP/1.1\r\nHost: evil" })],
    ["a path above ASCII", withRequest({ path: "/\u00e9" })],
    ["a header name in capitals", withRequest({ path: "/", headers: { Host: "x" } })],
    ["a header name with a colon", withRequest({ path: "/", headers: { "a:b": "x" } })],
    ["a header value with a line feed", withRequest({ path: "/", headers: { a: "b\r\nc: d" } })],
    ["a header value with a null byte", withRequest({ path: "/", headers: { a: "b\u0000" } })],
    ["a header value above ASCII", withRequest({ path: "/", headers: { a: "\u0100" } })],
    ["a status of 99", withRequest({ path: "/", status: 99 })],
    ["a status of 600", withRequest({ path: "/", status: 600 })],
    ["a fractional status", withRequest({ path: "/", status: 200.5 })],
    ["a digest in capitals", withRequest({ path: "/", sha256: "AB".repeat(32) })],
    ["a short digest", withRequest({ path: "/", sha256: "ab" })],
    ["a pointer without a slash", withRequest({ path: "/", json: [{ pointer: "a" }] })],
    ["a pointer with a bad escape", withRequest({ path: "/", json: [{ pointer: "/~2" }] })],
    ["9 checks", withRequest({ path: "/", json: Array(9).fill({ pointer: "" }) })],
    ["a prototype", utf8('{"v":1,"requests":[{"path":"/","__proto__":{"a":1}}]}')],
  ];
  for (const [what, bytes] of hostile) {
    it(`refuses ${what}`, () => {
      expectCode("PROBE_INVALID", () => parseProbe(bytes));
    });
  }

  it("leaves out a header that would be a prototype", () => {
    const bytes = utf8('{"v":1,"requests":[{"path":"/","headers":{"__proto__":"a"}}]}');
    const headers = parseProbe(bytes).requests[0]?.headers ?? {};
    expect(Object.getPrototypeOf(headers)).to.equal(Object.prototype);
    expect(Object.keys(headers)).to.deep.equal([]);
  });

  it("fails in one way only, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 1100 }),
          fc.json().map(utf8),
          fc.json().map((value) => utf8(`{"v":1,"requests":[${value}]}`)),
        ),
        (bytes) => {
          try {
            expect(parseProbe(bytes).v).to.equal(1);
          } catch (error) {
            expectCode("PROBE_INVALID", () => {
              throw error;
            });
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
