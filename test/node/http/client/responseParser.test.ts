import { expect } from "chai";
import { request, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { ResponseParser } from "../../../../src/node/http/client/responseParser.ts";
import { MalformedResponse } from "../../../../src/node/http/client/responseHead.ts";

/** A response as a parser has read it. */
interface Read {
  status: number;
  reason: string;
  version: string;
  fields: string[];
  body: string;
  trailers: string[];
}

/** Reads a response, in pieces of so many bytes, until the connection ends; undefined if it is refused or incomplete. */
function read(
  text: string,
  size = Infinity,
  method = "GET",
): (Read & { rest: string }) | undefined {
  let found: Read | undefined;
  let rest: string | undefined;
  const parser = new ResponseParser(method, {
    head: (head) => {
      expect(found).to.equal(undefined);
      const { statusCode: status, statusMessage: reason, httpVersion: version, rawHeaders } = head;
      found = { status, reason, version, fields: rawHeaders, body: "", trailers: [] };
    },
    data: (part) => {
      expect(part.length).to.be.greaterThan(0);
      expect(rest).to.equal(undefined);
      found!.body += part.toString("latin1");
    },
    complete: (trailers, behind) => {
      expect(rest).to.equal(undefined);
      found!.trailers = trailers;
      rest = behind.toString("latin1");
    },
    switched: ({ statusCode }, behind) => {
      found = { status: statusCode, reason: "", version: "", fields: [], body: "", trailers: [] };
      rest = behind.toString("latin1");
    },
  });
  const bytes = Buffer.from(text, "latin1");
  try {
    for (let at = 0; at < bytes.length; at += size) {
      parser.execute(bytes.subarray(at, Math.min(bytes.length, at + size)));
    }
    parser.finish();
  } catch (error) {
    if (error instanceof MalformedResponse) return undefined;
    throw error;
  }
  return found !== undefined && rest !== undefined ? { ...found, rest } : undefined;
}

/** The same by Node's own client. */
function readByNode(text: string): Promise<Read | undefined> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        socket.push(Buffer.from(text, "latin1"));
        socket.push(null);
        done();
      },
    });
    const asking = request({ createConnection: () => socket });
    asking.maxHeadersCount = 0;
    asking.on("error", () => {
      resolve(undefined);
    });
    asking.on("response", (incoming: IncomingMessage) => {
      let body = "";
      incoming.on("data", (part: Buffer) => (body += part.toString("latin1")));
      incoming.on("error", () => {
        resolve(undefined);
      });
      incoming.on("close", () => {
        resolve(undefined);
      });
      incoming.on("end", () => {
        const {
          statusCode: status = 0,
          statusMessage: reason = "",
          httpVersion: version,
        } = incoming;
        const { rawHeaders: fields, rawTrailers: trailers } = incoming;
        resolve({ status, reason, version, fields, body, trailers });
      });
    });
    asking.end();
  });
}

/** What came behind a response depends on the pieces: all of it ends the connection. */
function message(found: ReturnType<typeof read>): Read | undefined {
  if (found === undefined) return undefined;
  const { rest: _, ...others } = found;
  return others;
}

const OK = "HTTP/1.1 200 OK\r\n";
const GOOD = [
  `${OK}Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello`,
  `${OK}Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nX: y\r\n\r\n`,
  "HTTP/1.0 404 Not Found\r\nX-Empty:\r\nX-Two:  a b \t\r\n\r\nuntil the end",
  `HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
];

describe("ResponseParser", () => {
  it("reads the same as Node's client, however the bytes arrive", async () => {
    for (const text of GOOD) {
      const expected = { ...(await readByNode(text))!, rest: "" };
      for (let size = 1; size <= text.length; size++) {
        expect(read(text, size), `${text} by ${size}`).to.deep.equal(expected);
      }
    }
  });

  it("accepts nothing that Node's client refuses, and reads what it accepts in the same way", async () => {
    const bytes = [
      "\r",
      "\n",
      "\r\n",
      "\0",
      " ",
      "\t",
      ":",
      ";",
      ",",
      '"',
      "0",
      "x",
      "\x7f",
      "\xa0",
    ];
    let accepted = 0;
    for (const text of GOOD) {
      for (let at = 0; at <= text.length; at++) {
        for (const byte of ["", ...bytes]) {
          for (const skipped of [0, 1]) {
            const changed = text.slice(0, at) + byte + text.slice(at + skipped);
            const got = read(changed);
            expect(message(read(changed, 1)), JSON.stringify(changed)).to.deep.equal(message(got));
            if (got === undefined) continue;
            accepted += 1;
            const whole = changed.slice(0, changed.length - got.rest.length);
            expect(message(got), JSON.stringify(changed)).to.deep.equal(await readByNode(whole));
          }
        }
      }
    }
    expect(accepted).to.be.greaterThan(1_000);
  });

  it("refuses what two programs could read in different ways", () => {
    const body = "Content-Length: 2\r\n\r\nok";
    for (const text of [
      `${OK}Content-Length: 2\r\n${body}`,
      `${OK}Content-Length: 3\r\n${body}`,
      `${OK}Content-Length: 2, 2\r\n\r\nok`,
      `${OK}Content-Length: +2\r\n\r\nok`,
      `${OK}Content-Length: 0x2\r\n\r\nok`,
      `${OK}Content-Length:\r\n\r\nok`,
      `${OK}Content-Length: 99999999999999999999\r\n\r\nok`,
      `${OK}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      `${OK}Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      `${OK}X: a\r\n folded\r\n${body}`,
      `${OK} X: a\r\n${body}`,
      `${OK}X: a\n${body}`,
      `${OK}X: a\r${body}`,
      `${OK}X : a\r\n${body}`,
      `${OK}: a\r\n${body}`,
      `${OK}X\r\n${body}`,
      `HTTP/1.1 200 OK\n${body}`,
      `\r\n${OK}${body}`,
      `HTTP/1.2 200 OK\r\n${body}`,
      `HTTP/1.1  200 OK\r\n${body}`,
      `http/1.1 200 OK\r\n${body}`,
      ...[
        "2\nok\r\n0\r\n\r\n",
        "2\r\nok\n0\r\n\r\n",
        "2\r\nokX\r\n0\r\n\r\n",
        "-2\r\nok\r\n0\r\n\r\n",
      ],
      ...[
        "0x2\r\nok\r\n0\r\n\r\n",
        " 2\r\nok\r\n0\r\n\r\n",
        "2 \r\nok\r\n0\r\n\r\n",
        "\r\nok\r\n0\r\n\r\n",
      ],
      ...[
        "2;a\nb\r\nok\r\n0\r\n\r\n",
        "2\r\nok\r\n0\r\nX : y\r\n\r\n",
        "ffffffffffffffff\r\nok\r\n",
      ],
      "2\r\nok\r\n0\r\nX: a\r\n folded\r\n\r\n",
    ].map((each) =>
      /^\W*http/i.test(each) ? each : `${OK}Transfer-Encoding: chunked\r\n\r\n${each}`,
    )) {
      expect(read(text), JSON.stringify(text)).to.equal(undefined);
      expect(read(text, 1), JSON.stringify(text)).to.equal(undefined);
    }
  });

  it("bounds heads, trailers and the extensions of chunks", () => {
    const long = "x".repeat(17 * 1024);
    const chunked = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
    const many = `1;${"x".repeat(1_000)}\r\na\r\n`.repeat(17);
    for (const text of [
      `${OK}X: ${long}\r\n\r\n`,
      `${OK}X: ${long}`,
      `${chunked}0\r\nX: ${long}\r\n\r\n`,
      `${chunked}0\r\nX: ${long}`,
      `${chunked}1;${long}\r\na\r\n0\r\n\r\n`,
      `${chunked}1;${long}`,
      `${chunked}${many}0\r\n\r\n`,
    ]) {
      expect(() => {
        new ResponseParser("GET", {
          head: () => {},
          data: () => {},
          complete: () => {},
          switched: () => {},
        }).execute(Buffer.from(text));
      }).to.throw(MalformedResponse);
    }
  });

  it("knows which responses have no body, and what came behind one", () => {
    const length = "Content-Length: 5\r\n\r\n";
    expect(read(`${OK}${length}`, 7, "HEAD")).to.include({ body: "", rest: "" });
    expect(read(`HTTP/1.1 304 Not Modified\r\n${length}more`)).to.include({
      body: "",
      rest: "more",
    });
    expect(read(`HTTP/1.1 204 No Content\r\n\r\nmore`)).to.include({ body: "", rest: "more" });
    expect(read(`${OK}${length}hellomore`)).to.include({ body: "hello", rest: "more" });
    expect(read("HTTP/1.1 101 Switching Protocols\r\n\r\nmore")).to.include({ rest: "more" });
  });

  it("gives up at once a server that speaks another protocol and waits", () => {
    const parser = new ResponseParser("GET", {
      head: () => {},
      data: () => {},
      complete: () => {},
      switched: () => {},
    });
    parser.execute(Buffer.from("HTTP"));
    expect(() => {
      parser.execute(Buffer.from("S-2.0"));
    }).to.throw(MalformedResponse);
    expect(parser.finish()).to.equal(false);
  });

  it("does not take an end in the middle for the end of a response", () => {
    for (const text of [GOOD[0]!, GOOD[1]!, GOOD[3]!]) {
      for (let at = 0; at < text.length; at++) {
        expect(read(text.slice(0, at)), JSON.stringify(text.slice(0, at))).to.equal(undefined);
      }
    }
  });
});
