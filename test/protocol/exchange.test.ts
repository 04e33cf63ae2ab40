import { expect } from "chai";
import fc from "fast-check";
import { encodeBase64Url } from "../../src/protocol/base64url.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { fillExchange, isRandom, MAX_EXCHANGE_BYTES } from "../../src/protocol/exchange.ts";
import {
  encodeProbe,
  MAX_PROBE_BYTES,
  parseProbe,
  requestLine,
  suitsClass,
  type ProbeInput,
} from "../../src/protocol/probe.ts";
import { expectCode } from "../support/expectCode.ts";
import "../support/arbitraries.ts";
import vectors from "../vectors/probes.json" with { type: "json" };

const DIGITS = "0123456789abcdef";
const utf8 = (text: string) => new TextEncoder().encode(text);
const parse = (...requests: object[]) => parseProbe(utf8(JSON.stringify({ v: 3, requests })));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe("an exchange of a probe", () => {
  it("is read beside requests of the versions before", () => {
    const probe = {
      v: 3,
      requests: [
        { port: 22, expect: "SSH-2.0-" },
        { path: "/health" },
        { rpc: { method: "eth_blockNumber" } },
        { send: "GET / HTTP/1.0\r\n\r\n", expect: "HTTP/1.1 200 " },
      ],
    } satisfies ProbeInput;
    expect(parseProbe(encodeProbe(probe)).requests.map(requestLine)).to.deep.equal([
      "exchange at port 22",
      "GET /health",
      "POST / eth_blockNumber",
      "exchange at port 80",
    ]);
  });

  it("has the same random digits wherever {r} stands", () => {
    const { send, expect: wanted } = fillExchange(
      { send: "SET a{r} {r}\r\n", expect: "+{r}" },
      DIGITS,
    );
    expect(text(send)).to.equal(`SET a${DIGITS} ${DIGITS}\r\n`);
    expect(text(wanted)).to.equal(`+${DIGITS}`);
    expect(text(fillExchange({ expect: "{r" }, DIGITS).expect), "half of it").to.equal("{r");
  });

  it("finds {r} among any bytes, and leaves all others as they are", () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(bytes, bytes, (before, after) => {
        const whole = Buffer.concat([before, utf8("{r}"), after]);
        const base64url = encodeBase64Url(whole);
        const filled = fillExchange({ send: { base64url }, expect: { base64url } }, DIGITS);
        const wanted = whole.toString("latin1").split("{r}").join(DIGITS);
        expect(Buffer.from(filled.send).toString("latin1")).to.equal(wanted);
        expect(filled.expect).to.deep.equal(filled.send);
      }),
    );
  });

  it("takes text as UTF-8", () => {
    expect(bytesToHex(fillExchange({ expect: "\u00e9" }, DIGITS).expect)).to.equal("0xc3a9");
  });

  it("shows more than a listener only if the service has to send the digits back", () => {
    expect(isRandom({ send: "{r}", expect: "a{r}" })).to.equal(true);
    expect(isRandom({ send: "{r}", expect: "a" })).to.equal(false);
    expect(isRandom({ expect: "SSH-2.0-" })).to.equal(false);
  });

  it("is at most 4 KiB with the digits filled in, of a specification of at most 1 KiB", () => {
    const places = Array(MAX_EXCHANGE_BYTES / 16 - 1).fill("{r}");
    const send = places.join("");
    expect(parse({ send, expect: "{r}" }).requests).to.have.length(1);
    expectCode("PROBE_INVALID", () => parse({ send, expect: "{r}a" }));
    const static_ = (length: number) =>
      utf8(`{"v":3,"requests":[{"expect":"${"a".repeat(length)}"}]}`);
    const frame = static_(0).length;
    expect(parseProbe(static_(MAX_PROBE_BYTES - frame)).v).to.equal(3);
    expectCode("PROBE_INVALID", () => parseProbe(static_(MAX_PROBE_BYTES - frame + 1)));
  });

  for (const [what, request] of [
    ["without anything to expect", { port: 22, send: "a" }],
    ["that expects nothing", { expect: "" }],
    ["that sends nothing", { send: "", expect: "a" }],
    ["that expects digits that the service cannot know", { send: "a", expect: "{r}" }],
    ["that expects digits of a service that speaks first", { expect: "{r}" }],
    ["at port 0", { port: 0, expect: "a" }],
    ["at port 65536", { port: 65_536, expect: "a" }],
    ["at half a port", { port: 22.5, expect: "a" }],
    ["in padded base64", { expect: { base64url: "AA==" } }],
    ["in base64 with bits to spare", { expect: { base64url: "AB" } }],
    ["in the other base64", { expect: { base64url: "+/+/" } }],
    ["in hexadecimal", { expect: { hex: "00" } }],
    ["that expects a number", { expect: 1 }],
    ["by HTTP", { expect: "a", path: "/" }],
    ["with headers", { expect: "a", headers: {} }],
  ] as const) {
    it(`is refused ${what}`, () => {
      expectCode("PROBE_INVALID", () => parse(request));
    });
  }

  it("is refused in version 2", () => {
    expectCode("PROBE_INVALID", () => parseProbe(utf8('{"v":2,"requests":[{"expect":"a"}]}')));
  });

  it("is what each request must be in the class tcp, and none may be in json-rpc", () => {
    const exchange = { port: 22, expect: "SSH-2.0-" };
    expect(suitsClass(parse(exchange, exchange), "tcp")).to.equal(true);
    expect(suitsClass(parse(exchange, { path: "/" }), "tcp")).to.equal(false);
    expect(suitsClass(parse(exchange), "json-rpc")).to.equal(false);
    expect(suitsClass(parse(exchange, { path: "/" }), "http")).to.equal(true);
    expectCode("PROBE_UNSUITABLE", () => encodeProbe({ v: 1, requests: [{ path: "/" }] }, "tcp"));
  });

  it("of a version of tomorrow is not known, which is no fault of the specification", () => {
    for (const tomorrow of ['{"v":4}', '{"v":99,"requests":[{"path":"/"}],"x":{}}']) {
      expectCode("PROBE_VERSION", () => parseProbe(utf8(tomorrow)));
    }
  });

  it("reads what the vectors say", () => {
    for (const vector of vectors.probes) {
      const read = () => parseProbe(utf8(vector.text));
      if ("error" in vector) {
        expectCode(vector.error, read);
        continue;
      }
      const exchanges = read().requests.flatMap((request) => {
        if (!("expect" in request)) return [];
        const { send, expect: wanted } = fillExchange(request, vector.digits);
        return [{ port: request.port, send: bytesToHex(send), expect: bytesToHex(wanted) }];
      });
      expect(exchanges, vector.text).to.deep.equal(vector.exchanges);
      const suited = ["http", "json-rpc", "tcp"].filter((name) => suitsClass(read(), name));
      expect(suited, vector.text).to.deep.equal(vector.suits);
    }
    expect(vectors.probes.filter((vector) => "error" in vector).length).to.be.above(8);
  });
});
