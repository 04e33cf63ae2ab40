import { expect } from "chai";
import type { Socket } from "node:net";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { drained, ProxyRig } from "../../support/proxyRig.ts";

const NAME = "weather.bloc.alt";
const GREETING = "\x05\x01\x00";

/** A request by name. */
function request(name: string, port = 80, command = 1): string {
  const place = String.fromCharCode(port >> 8, port & 255);
  return `\x05${String.fromCharCode(command)}\x00\x03${String.fromCharCode(name.length)}${name}${place}`;
}

/** The proxy's reply. */
const reply = (code: number) => `\x05${String.fromCharCode(code)}\x00\x01${"\x00".repeat(6)}`;
const CHOSEN = "\x05\x00";

describe("SOCKS5", () => {
  let rig: ProxyRig;

  beforeEach(async () => {
    rig = new ProxyRig();
    await rig.tcp(NAME, (socket) => {
      socket.once("data", (data: Buffer) => socket.end(`heard ${data.toString()}`));
    });
    await rig.start();
  });
  afterEach(() => rig.stop());

  it("a name is dialled with its port, and bytes that come early are not lost", async () => {
    const { text } = await rig.exchange(GREETING + request("Weather.Bloc.Alt.", 8080) + "hello");
    expect(text).to.equal(`${CHOSEN}${reply(0)}heard hello`);
    const [target] = rig.dialled;
    expect(target).to.include({ host: NAME, port: 8080 });
    expect(target!.client).to.include({ address: "127.0.0.1", form: "socks5" });
  });

  it("a handshake may come one byte at a time", async () => {
    const socket = await rig.connect();
    socket.setNoDelay(true);
    const received = drained(socket);
    for (const byte of GREETING + request(NAME) + "x") {
      await new Promise((sent) => socket.write(byte, "latin1", sent));
    }
    expect((await received).text).to.equal(`${CHOSEN}${reply(0)}heard x`);
  });

  it("names under bloc.internal are services, too; names that only look alike are not", async () => {
    rig.fails("weather.bloc.internal", new BlockcloudError("SAL_NO_PATH", "No path."));
    expect((await rig.exchange(GREETING, request("weather.bloc.internal"))).text).to.equal(
      CHOSEN + reply(4),
    );
    for (const other of ["weatherbloc.alt", "bloc.alt.example.org", "example.org", "localhost"]) {
      const { text } = await rig.exchange(GREETING, request(other));
      expect(text, other).to.equal(CHOSEN + reply(2));
    }
    expect(rig.dialled).to.have.length(1);
  });

  it("the reply tells why a service is not reached", async () => {
    const replies = {
      SERVICE_UNKNOWN: 4,
      SAL_NAME_UNKNOWN: 4,
      SAL_NO_PATH: 4,
      PORT_REFUSED: 5,
      SAL_TIMEOUT: 6,
      SERVICE_DROPPED: 2,
      KEY_CHANGED: 1,
      A_CODE_OF_TOMORROW: 1,
    };
    for (const [code, expected] of Object.entries(replies)) {
      rig.fails(NAME, new BlockcloudError(code, "It failed."));
      expect((await rig.exchange(GREETING, request(NAME))).text, code).to.equal(
        CHOSEN + reply(expected),
      );
    }
    expect(rig.refused).to.deep.equal(Object.keys(replies));
  });

  it("BIND, UDP and addresses are refused, each with its own reply", async () => {
    const address4 = "\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50";
    const address6 = `\x05\x01\x00\x04${"\x00".repeat(15)}\x01\x00\x50`;
    expect((await rig.exchange(GREETING, request(NAME, 80, 2))).text).to.equal(CHOSEN + reply(7));
    expect((await rig.exchange(GREETING, request(NAME, 80, 3))).text).to.equal(CHOSEN + reply(7));
    expect((await rig.exchange(GREETING, address4)).text).to.equal(CHOSEN + reply(2));
    expect((await rig.exchange(GREETING, address6)).text).to.equal(CHOSEN + reply(2));
    expect((await rig.exchange(GREETING, "\x05\x01\x00\x02abcdef")).text).to.equal(
      CHOSEN + reply(8),
    );
    expect(rig.dialled).to.deep.equal([]);
  });

  it("names with other characters, empty ones and port 0 are refused", async () => {
    for (const [name, port] of [
      ["wea\x00ther.bloc.alt", 80],
      ["weather.bloc.alt/path", 80],
      ["w\u00e4tter.bloc.alt", 80],
      ["", 80],
      [NAME, 0],
    ] as const) {
      const { text } = await rig.exchange(GREETING, request(name, port));
      expect(text, name).to.equal(CHOSEN + reply(1));
    }
    expect(rig.dialled).to.deep.equal([]);
  });

  it("SOCKS4 is told that its version is not served", async () => {
    const { text } = await rig.exchange(
      "\x04\x01\x00\x50\x00\x00\x00\x01me\x00weather.bloc.alt\x00",
    );
    expect(text).to.equal(`\x00\x5b${"\x00".repeat(6)}`);
    expect(rig.refused).to.deep.equal(["PROXY_SOCKS4_REFUSED"]);
  });

  it("a program that only offers passwords is refused by a proxy without one", async () => {
    expect((await rig.exchange("\x05\x01\x02")).text).to.equal("\x05\xff");
    expect(rig.refused).to.deep.equal(["PROXY_METHOD_UNSUPPORTED"]);
  });

  it("bytes in no known form end the connection", async () => {
    for (const bytes of [
      "\x16\x03\x01",
      "\x00",
      "get / HTTP/1.1\r\n\r\n",
      "\x05\x00",
      `${GREETING}\x04\x01`.padEnd(12, "\x00"),
    ]) {
      await rig.exchange(bytes);
    }
    expect(rig.refused).to.deep.equal(Array(5).fill("PROXY_GARBAGE"));
  });

  it("a program that goes while its service is dialled ends the dialling", async () => {
    const aborted = Promise.withResolvers<unknown>();
    await rig.stop();
    rig = new ProxyRig();
    const dialling = Promise.withResolvers<undefined>();
    await rig.start(
      {},
      {
        dial: (_target, signal) =>
          new Promise((_, reject) => {
            dialling.resolve(undefined);
            signal.addEventListener("abort", () => {
              aborted.resolve(signal.reason);
              reject(signal.reason as Error);
            });
          }),
      },
    );
    const socket = await rig.connect();
    socket.write(GREETING + request(NAME), "latin1");
    await dialling.promise;
    socket.resetAndDestroy();
    expect(await aborted.promise).to.have.property("code", "PROXY_CLIENT_GONE");
  });

  it("with --direct, other names and addresses go to the other dialler", async () => {
    await rig.stop();
    rig = new ProxyRig();
    const asked: string[] = [];
    await rig.start(
      {},
      {
        direct: (host, port) => {
          asked.push(`${host} ${port}`);
          throw new BlockcloudError("PROXY_DESTINATION_REFUSED", "Not within the rules.");
        },
      },
    );
    const address6 = `\x05\x01\x00\x04\x20\x01\x0d\xb8${"\x00".repeat(11)}\x01\x01\xbb`;
    await rig.exchange(GREETING, request("example.org", 443));
    await rig.exchange(GREETING, "\x05\x01\x00\x01\x08\x08\x08\x08\x00\x35");
    await rig.exchange(GREETING, address6);
    expect(asked).to.deep.equal(["example.org 443", "8.8.8.8 53", "2001:db8:0:0:0:0:0:1 443"]);
    expect(rig.dialled).to.deep.equal([]);
  });

  it("a program may stop sending before it reads the reply", async () => {
    const socket: Socket = await rig.connect();
    socket.end(GREETING + request(NAME) + "bye", "latin1");
    const { text } = await drained(socket);
    expect(text).to.equal(`${CHOSEN}${reply(0)}heard bye`);
  });
});
