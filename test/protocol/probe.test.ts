import { expect } from "chai";
import fc from "fast-check";
import {
  encodeProbe,
  MAX_PROBE_BYTES,
  parseProbe,
  suitsClass,
  type HttpProbe,
  type ProbeInput,
} from "../../src/protocol/probe.ts";
import { expectCode } from "../support/expectCode.ts";
import "../support/arbitraries.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const withCall = (call: object) => utf8(JSON.stringify({ v: 2, requests: [call] }));
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

  it("reads calls by JSON-RPC in version 2, beside plain requests", () => {
    const probe = {
      v: 2,
      requests: [
        { rpc: { method: "eth_blockNumber" }, fresh: { pointer: "/result", blocks: 5 } },
        {
          path: "/v1",
          headers: { "x-key": "1" },
          rpc: { method: "eth_call", params: [{ to: "0x" }, "latest"] },
          json: [{ pointer: "/result", hex: true as const }],
        },
        { path: "/health" },
      ],
    } satisfies ProbeInput;
    expect(parseProbe(encodeProbe(probe)).requests).to.deep.equal([
      { path: "/", headers: {}, ...probe.requests[0] },
      probe.requests[1],
      { method: "GET", headers: {}, status: 200, path: "/health" },
    ]);
  });

  it("survives parameters as deep as 1 KiB can hold", () => {
    const params = `${"[".repeat(450)}${"]".repeat(450)}`;
    const probe = parseProbe(
      utf8(`{"v":2,"requests":[{"rpc":{"method":"a","params":${params}}}]}`),
    );
    expect(JSON.stringify(probe.requests[0])).to.contain(params);
  });

  describe("in the class json-rpc", () => {
    const call = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}';
    const suits = (probe: ProbeInput, className = "json-rpc") =>
      suitsClass(parseProbe(encodeProbe(probe)), className);

    it("must be calls, in the form of either version", () => {
      const rpc = { rpc: { method: "eth_blockNumber" } };
      const written = { method: "POST", path: "/", body: call } as const;
      expect(suits({ v: 2, requests: [rpc, written] })).to.equal(true);
      expect(suits({ v: 1, requests: [written] })).to.equal(true);
    });

    it("are not written for it otherwise", () => {
      const probe = { v: 1, requests: [{ path: "/" }] } satisfies ProbeInput;
      expectCode("PROBE_UNSUITABLE", () => encodeProbe(probe, "json-rpc"));
      expect(encodeProbe(probe, "http")).to.deep.equal(encodeProbe(probe));
    });

    for (const [what, request] of [
      ["a GET", { path: "/" }],
      ["a GET with a call", { path: "/", body: call }],
      ["a POST of nothing", { method: "POST", path: "/" }],
      ["a POST of no JSON", { method: "POST", path: "/", body: "{" }],
      ["a POST of another JSON", { method: "POST", path: "/", body: '{"jsonrpc":"2.0"}' }],
    ] as const) {
      it(`must not be ${what}`, () => {
        expect(suits({ v: 1, requests: [request] })).to.equal(false);
        const beside = { method: "POST", path: "/", body: call } as const;
        expect(suits({ v: 1, requests: [beside, request] }), "beside a call").to.equal(false);
        expect(suits({ v: 1, requests: [request] }, "http"), "in another class").to.equal(true);
      });
    }
  });

  it("takes exactly 1 KiB", () => {
    const empty = encodeProbe({ v: 1, requests: [{ path: "/", body: "" }] }).length;
    const body = "a".repeat(MAX_PROBE_BYTES - empty);
    expect(encodeProbe({ v: 1, requests: [{ path: "/", body }] }).length).to.equal(MAX_PROBE_BYTES);
    expectCode("PROBE_INVALID", () =>
      encodeProbe({ v: 1, requests: [{ path: "/", body: `${body}a` }] }),
    );
  });

  it("does not encode a specification that it would refuse", () => {
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
    ["a version that never was", utf8('{"v":0,"requests":[{"path":"/"}]}')],
    ["half a version", utf8('{"v":3.5,"requests":[{"path":"/"}]}')],
    ["a call in version 1", withRequest({ rpc: { method: "a" } })],
    ["a call without a method", withCall({ rpc: {} })],
    ["a call with an ID", withCall({ rpc: { method: "a", id: 1 } })],
    ["a call with a body", withCall({ rpc: { method: "a" }, body: "{}" })],
    ["a call by GET", withCall({ rpc: { method: "a" }, method: "GET" })],
    ["a call with a status", withCall({ rpc: { method: "a" }, status: 500 })],
    ["parameters that are neither list nor object", withCall({ rpc: { method: "a", params: 1 } })],
    ["freshness of nothing", withCall({ rpc: { method: "a" }, fresh: { pointer: "" } })],
    ["freshness of a plain request", withCall({ path: "/", fresh: { pointer: "", blocks: 1 } })],
    [
      "freshness in blocks and seconds",
      withCall({ rpc: { method: "a" }, fresh: { pointer: "", blocks: 1, seconds: 1 } }),
    ],
    [
      "freshness in halves",
      withCall({ rpc: { method: "a" }, fresh: { pointer: "", blocks: 0.5 } }),
    ],
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
    const headers = (parseProbe(bytes).requests[0] as HttpProbe).headers;
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
          fc.json().map((value) => utf8(`{"v":2,"requests":[{"rpc":${value}}]}`)),
          fc.json().map((value) => utf8(`{"v":3,"requests":[{"expect":${value}}]}`)),
        ),
        (bytes) => {
          try {
            expect(parseProbe(bytes).v).to.be.oneOf([1, 2, 3]);
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
