import { expect } from "chai";
import fc from "fast-check";
import { isIP } from "node:net";
import { userOf } from "../../../src/sal/proxy/peerUser.ts";
import {
  readGreeting,
  readPassword,
  readRequest,
  type Read,
} from "../../../src/sal/proxy/socks.ts";
import { readAbsolute, readAuthority } from "../../../src/sal/proxy/target.ts";
import "../../support/arbitraries.ts";
import { ProxyRig } from "../../support/proxyRig.ts";
import { runs } from "../../support/runs.ts";

const NAME = "weather.bloc.alt";
const GET = `GET http://${NAME}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
const SOCKS = `\x05\x01\x00\x05\x01\x00\x03${String.fromCharCode(NAME.length)}${NAME}\x00\x50`;

/** Beginnings of connections that are good but for some places. */
const damaged = fc
  .tuple(
    fc.constantFrom(
      SOCKS,
      "\x05\x02\x00\x02\x01\x02me\x02me",
      "\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50",
      "\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
      GET,
      `CONNECT ${NAME}:80 HTTP/1.1\r\nHost: x\r\n\r\n`,
      `POST http://${NAME}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      GET.replace("close", "Upgrade\r\nUpgrade: websocket"),
      GET + GET,
      "GET /proxy.pac HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
    ),
    fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 4 }),
    fc.nat(150),
    fc.uint8Array({ maxLength: 20 }),
  )
  .map(([good, changes, cut, tail]) => {
    const bytes = Buffer.concat([Buffer.from(good, "latin1").subarray(0, Math.max(cut, 3)), tail]);
    for (const [place, value] of changes) if (place < bytes.length) bytes[place] = value;
    return bytes;
  });

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 600 }).map((raw) => Buffer.from(raw)),
  damaged,
);
/** Bytes that pass the first check of each message. */
const begun = fc
  .tuple(fc.constantFrom("\x05", "\x01", "\x05\x01\x00", "\x05\x01\x00\x03"), bytes)
  .map(([beginning, rest]) => Buffer.concat([Buffer.from(beginning, "latin1"), rest]));

describe("hostile beginnings of connections", () => {
  for (const [name, parse] of Object.entries({
    greeting: readGreeting,
    password: readPassword,
    request: readRequest,
  } as Record<string, (bytes: Buffer) => Read<unknown>>)) {
    it(`a SOCKS ${name} reads the same in one piece and in parts, and never past its end`, () => {
      fc.assert(
        fc.property(fc.oneof(bytes, begun), fc.nat(600), (whole, cut) => {
          const read = parse(whole);
          const before = parse(whole.subarray(0, cut));
          if (typeof read === "object") {
            expect(read.length).to.be.within(1, whole.length);
            // What follows a message does not change it.
            const again = parse(whole.subarray(0, read.length));
            expect(again).to.deep.equal(read);
            if (cut < read.length) expect(before).to.be.oneOf(["short", again]);
          }
          if (read === "short") expect(before).to.equal("short");
        }),
        { numRuns: runs(2_000) },
      );
    });
  }

  it("a SOCKS request is read back as it was written", () => {
    const name = fc.uint8Array({ maxLength: 255 }).map((raw) => Buffer.from(raw));
    fc.assert(
      fc.property(fc.nat(255), name, fc.nat(65_535), (command, host, port) => {
        const place = Buffer.of(port >> 8, port & 255);
        const message = Buffer.concat([Buffer.of(5, command, 0, 3, host.length), host, place]);
        expect(readRequest(message)).to.deep.equal({
          value: { command, type: "name", host: host.toString("latin1"), port },
          length: message.length,
        });
      }),
      { numRuns: runs(1_000) },
    );
  });

  it("a target names one host and one port, whatever it is", () => {
    const piece = fc.constantFrom(
      "http://",
      "https:",
      "//",
      NAME,
      "[::1]",
      ":80",
      ":",
      "@",
      "/",
      "?",
      "#",
      "\\",
      "%2e",
    );
    const text = fc.oneof(
      fc
        .array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 6 })
        .map((all) => all.join("")),
      fc.string({ unit: "binary", maxLength: 60 }),
    );
    fc.assert(
      fc.property(fc.constantFrom("GET", "OPTIONS"), text, (method, url) => {
        const target = readAbsolute(method, url);
        const found = target ?? readAuthority(url);
        if (found === undefined) return;
        expect(found.port).to.be.within(0, 65_535);
        expect(isIP(found.host) === 6 || /^[\w.-]{1,255}$/.test(found.host)).to.equal(true);
        if (target === undefined) return;
        expect(target.path).to.match(/^(\/|\*$)/);
        // A reader by the URL standard finds the same host.
        const standard = new URL(`http://${target.authority}`);
        const own = new URL(`http://${isIP(target.host) === 6 ? `[${target.host}]` : target.host}`);
        expect(own.hostname).to.equal(standard.hostname);
      }),
      { numRuns: runs(2_000) },
    );
  });

  it("a table of sockets may hold anything", () => {
    const near = { address: "127.0.0.1", port: 8080 };
    const far = { address: "127.0.0.1", port: 1080 };
    const ends = " 0100007F:1F90 0100007F:0438 ";
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), fc.string({ maxLength: 80 }), (before, after) => {
        const user = userOf(before + ends + after, near, far, false);
        if (user !== undefined) expect(user).to.be.at.least(0);
      }),
      { numRuns: runs(1_000) },
    );
  });

  describe("at a proxy", () => {
    let rig: ProxyRig;

    before(async () => {
      rig = new ProxyRig();
      await rig.http(NAME, (_request, response) => response.end("served"));
      await rig.start();
    });
    after(() => rig.stop());

    it("every connection comes to its end, and the proxy serves the next one", async () => {
      await fc.assert(
        fc.asyncProperty(bytes, async (beginning) => {
          const socket = await rig.connect();
          socket.on("data", () => {});
          socket.end(beginning);
          if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
        }),
        { numRuns: runs(500) },
      );
      expect((await rig.exchange(GET)).text).to.match(/served/);
      expect(rig.log.said("error")).to.deep.equal([]);
      for (const { host } of rig.dialled) expect(host).to.match(/(^|\.)bloc\.(alt|internal)$/);
    });
  });
});
