import { expect } from "chai";
import type { Socket } from "node:net";
import { netRequest } from "../../src/net/request.ts";
import { ProviderRig } from "../support/providerRig.ts";
import { rejection } from "../support/rejection.ts";
import { ScriptedUpstream } from "../support/scriptedUpstream.ts";

/** What the kernel takes beyond what we read: send and receive buffers of a loopback connection. */
const KERNEL_BYTES = 24 * 1024 * 1024;
const HEAD = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;

function get(url: URL) {
  return netRequest(
    { method: "GET", url, headers: {}, body: new Uint8Array() },
    // No test ends by a timeout: each flood is stopped because it exceeds a bound.
    { timeMs: 600_000, maxBytes: 100_000, allowLoopback: true },
    new AbortController().signal,
  );
}

describe("netRequest: floods", () => {
  const rig = new ProviderRig();
  afterEach(() => rig.close());

  /** A server that says something and then repeats something else for ever; counts what it got rid of. */
  async function flood(first: string, then: string): Promise<{ url: URL; sent: Promise<number> }> {
    const sent = Promise.withResolvers<number>();
    const part = then.repeat(Math.ceil(10_000 / then.length));
    const url = await rig.rawUpstream((socket) => {
      socket.once("close", () => {
        sent.resolve(socket.bytesWritten);
      });
      const more = () => {
        while (socket.writable && socket.write(part));
      };
      socket.once("data", () => {
        socket.write(first);
        socket.on("drain", more);
        more();
      });
    });
    return { url, sent: sent.promise };
  }

  const floods: [string, string, string, string][] = [
    ["a body without end", `${HEAD}\r\n`, "x", "NET_TOO_LARGE"],
    [
      "a body longer than it said",
      `${HEAD}content-length: 9999999999\r\n\r\n`,
      "x",
      "NET_TOO_LARGE",
    ],
    ["chunks without end", CHUNKED, `400\r\n${"x".repeat(0x400)}\r\n`, "NET_TOO_LARGE"],
    ["a chunk without end", `${CHUNKED}ffffffff\r\n`, "x", "NET_TOO_LARGE"],
    ["chunks of one byte", CHUNKED, "1\r\nx\r\n", "NET_TOO_LARGE"],
    [
      "chunks that are nearly all extension",
      CHUNKED,
      `1;a=${"e".repeat(1_000)}\r\nx\r\n`,
      "NET_TOO_LARGE",
    ],
    ["a chunk extension without end", `${CHUNKED}1;a=`, "e", "NET_PROTOCOL"],
    ["a chunk size without end", CHUNKED, "0", "NET_TOO_LARGE"],
    ["header fields without end", HEAD, "x-a: b\r\n", "NET_PROTOCOL"],
    ["a header field without end", `${HEAD}x: `, "y", "NET_PROTOCOL"],
    ["a field name without end", HEAD, "y", "NET_PROTOCOL"],
    ["a reason without end", "HTTP/1.1 200 ", "O", "NET_PROTOCOL"],
    ["empty lines before the answer", "", "\r\n", "NET_TOO_LARGE"],
    ["trailers without end", `${CHUNKED}0\r\n`, "x-a: b\r\n", "NET_PROTOCOL"],
    ["interim answers without end", "", "HTTP/1.1 103 Early Hints\r\n\r\n", "NET_PROTOCOL"],
    [
      "interim answers full of fields",
      "",
      `HTTP/1.1 103 -\r\nx: ${"y".repeat(9_000)}\r\n\r\n`,
      "NET_PROTOCOL",
    ],
  ];
  for (const [what, first, then, code] of floods) {
    it(`ends ${what} after few bytes`, async () => {
      const { url, sent } = await flood(first, then);
      await rejection(code, get(url));
      expect(await sent).to.be.below(KERNEL_BYTES);
    });
  }

  it("ends a flood as well that comes too slowly to be noticed by its size", async () => {
    const url = await rig.rawUpstream((socket: Socket) => {
      socket.write(`${HEAD}\r\n`);
    });
    await rejection(
      "NET_TIMEOUT",
      netRequest(
        { method: "GET", url, headers: {}, body: new Uint8Array() },
        { timeMs: 30, maxBytes: 100_000, allowLoopback: true },
        new AbortController().signal,
      ),
    );
  });
});

describe("netRequest: responses that are not quite HTTP/1.1", () => {
  const rig = new ProviderRig();
  afterEach(() => rig.close());

  const strange: [string, string, string][] = [
    [
      "chunks in HTTP/1.0",
      "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      "NET_PROTOCOL",
    ],
    [
      "an interim response in HTTP/1.0",
      "HTTP/1.0 103 Early Hints\r\n\r\nHTTP/1.0 200 OK\r\n\r\n",
      "NET_PROTOCOL",
    ],
    ["half a body in HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nab", "NET_FAILED"],
    ["HTTP/0.9", "<html>hello</html>", "NET_PROTOCOL"],
    ["HTTP/2 by its number", "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", "NET_PROTOCOL"],
    ["HTTP/2 frames", "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64", "NET_PROTOCOL"],
    ["a status of one digit", "HTTP/1.1 2 OK\r\n\r\n", "NET_PROTOCOL"],
    ["a status of letters", "HTTP/1.1 abc OK\r\n\r\n", "NET_PROTOCOL"],
    ["no status", "HTTP/1.1\r\n\r\n", "NET_PROTOCOL"],
    ["a request", "GET / HTTP/1.1\r\nhost: a\r\n\r\n", "NET_PROTOCOL"],
    ["two lengths", `${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, "NET_PROTOCOL"],
    [
      "a length and chunks",
      `${HEAD}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      "NET_PROTOCOL",
    ],
    ["a negative length", `${HEAD}content-length: -1\r\n\r\n`, "NET_PROTOCOL"],
    ["a length in hexadecimal", `${HEAD}content-length: 0x2\r\n\r\nab`, "NET_PROTOCOL"],
    [
      "a length beyond all bounds",
      `${HEAD}content-length: ${"9".repeat(30)}\r\n\r\n`,
      "NET_PROTOCOL",
    ],
    [
      "a body longer than its length",
      `${HEAD}connection: close\r\ncontent-length: 1\r\n\r\nabc`,
      "NET_PROTOCOL",
    ],
    [
      "a body longer than its length, on a connection that could go on",
      `${HEAD}content-length: 1\r\n\r\nabc`,
      "NET_PROTOCOL",
    ],
    [
      "a packed transfer coding",
      `${HEAD}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      "NET_PROTOCOL",
    ],
    ["a chunk size that is none", `${CHUNKED}zz\r\n`, "NET_PROTOCOL"],
    ["a chunk longer than its size", `${CHUNKED}1\r\nabc\r\n0\r\n\r\n`, "NET_PROTOCOL"],
    ["a field name with a blank", `${HEAD}content-length : 0\r\n\r\n`, "NET_PROTOCOL"],
    ["a folded field", `${HEAD}x: a\r\n b\r\ncontent-length: 0\r\n\r\n`, "NET_PROTOCOL"],
    ["bare line feeds", "HTTP/1.1 200 OK\ncontent-length: 0\n\n", "NET_PROTOCOL"],
    ["a null byte in a field", `${HEAD}x: a\0b\r\ncontent-length: 0\r\n\r\n`, "NET_PROTOCOL"],
    [
      "another protocol",
      "HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
      "NET_PROTOCOL",
    ],
    ["half a body", `${HEAD}content-length: 5\r\n\r\nab`, "NET_FAILED"],
    ["half a chunk", `${CHUNKED}5\r\nab`, "NET_FAILED"],
    ["chunks without the last", `${CHUNKED}1\r\na\r\n`, "NET_FAILED"],
    ["half a head", `${HEAD}x`, "NET_FAILED"],
    ["nothing", "", "NET_FAILED"],
  ];
  for (const [what, text, code] of strange) {
    it(`refuses ${what}`, async () => {
      const url = await rig.rawUpstream((socket) => {
        socket.once("data", () => socket.end(text, "latin1"));
      });
      await rejection(code, get(url));
    });
  }

  it("refuses a body without a length that a reset ends", async () => {
    const head = `${HEAD}connection: close\r\n\r\nsome bytes`;
    const upstream = await ScriptedUpstream.start(["request", { send: head }, "reset"]);
    await rejection("NET_FAILED", get(upstream.url));
    await upstream.close();
  });
});
