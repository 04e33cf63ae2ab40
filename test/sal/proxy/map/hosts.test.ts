import { expect } from "chai";
import { once } from "node:events";
import { drained } from "../../../support/proxyRig.ts";
import { MappedRig } from "../../../support/mappedRig.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { rawName } from "../../../../src/protocol/name.ts";

const NAME = "weather.bloc.alt";
const OTHER = "bank.bloc.alt";

/** The status of a response. */
const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);

describe("hosts of requests at mapped addresses", () => {
  let rig: MappedRig;

  beforeEach(async () => {
    rig = new MappedRig();
    await rig.start();
    await rig.web(NAME);
    await rig.web(OTHER);
    await rig.address(OTHER);
  });
  afterEach(() => rig.stop());

  const ask = async (...lines: string[]) => {
    const { text } = await rig.exchange(NAME, `${lines.join("\r\n")}\r\n\r\n`);
    return text;
  };
  /** What each request has as its last field, so that the service ends the connection. */
  const close = "Connection: close";

  const own: Record<string, () => string[]> = {
    "the name": () => [`GET / HTTP/1.1`, `Host: ${NAME}`],
    "the name with its port": () => [`GET / HTTP/1.1`, `Host: ${NAME}:${rig.port}`],
    "the name in capitals, with a dot": () => [`GET / HTTP/1.1`, `Host: WEATHER.Bloc.ALT.`],
    "the name under bloc.internal": () => [`GET / HTTP/1.1`, `Host: weather.bloc.internal`],
    "the raw name": () => [`GET / HTTP/1.1`, `Host: ${rawName(rig.names.get(NAME)!)}`],
    "an absolute target": () => [`GET http://${NAME}/ HTTP/1.1`, `Host: ${NAME}`],
    "a field without a blank": () => [`GET / HTTP/1.1`, `hOsT:${NAME}`],
    "OPTIONS *": () => [`OPTIONS * HTTP/1.1`, `Host: ${NAME}`],
    "HTTP/1.0 with a Host": () => [`GET / HTTP/1.0`, `Host: ${NAME}`],
  };
  for (const [kind, lines] of Object.entries(own)) {
    it(`${kind} is the service's`, async () => {
      expect(statusOf(await ask(...lines(), close))).to.equal(200);
    });
  }

  const foreign: Record<string, () => string[]> = {
    "a page's own name that leads here": () => [`GET / HTTP/1.1`, `Host: evil.example`],
    "another service": () => [`GET / HTTP/1.1`, `Host: ${OTHER}`],
    "a name without a service": () => [`GET / HTTP/1.1`, `Host: nowhere.bloc.alt`],
    "a name that cannot be one": () => [`GET / HTTP/1.1`, `Host: a.b.c.bloc.alt`],
    "the address": () => [`GET / HTTP/1.1`, `Host: 127.77.0.2`],
    "another port": () => [`GET / HTTP/1.1`, `Host: ${NAME}:1`],
    "no Host": () => [`GET / HTTP/1.1`],
    "no Host, HTTP/1.0": () => [`GET / HTTP/1.0`],
    "an empty Host": () => [`GET / HTTP/1.1`, `Host:`],
    "two Hosts": () => [`GET / HTTP/1.1`, `Host: ${NAME}`, `Host: ${NAME}`],
    "two names in a Host": () => [`GET / HTTP/1.1`, `Host: ${NAME}, ${OTHER}`],
    "a user in the Host": () => [`GET / HTTP/1.1`, `Host: ${NAME}@evil.example`],
    "a foreign absolute target": () => [`GET http://evil.example/ HTTP/1.1`, `Host: ${NAME}`],
    "another service's absolute target": () => [`GET http://${OTHER}/ HTTP/1.1`, `Host: ${NAME}`],
    "an absolute target with a user": () => [`GET http://x@${NAME}/ HTTP/1.1`, `Host: ${NAME}`],
    "a foreign CONNECT": () => [`CONNECT evil.example:443 HTTP/1.1`, `Host: ${NAME}`],
    "a target in no form": () => [`GET evil HTTP/1.1`, `Host: ${NAME}`],
    "a folded field": () => [`GET / HTTP/1.1`, `X: a`, ` Host: ${NAME}`],
    "a blank before the colon": () => [`GET / HTTP/1.1`, `Host : ${NAME}`],
    "a bare CR": () => [`GET / HTTP/1.1`, `Host: ${NAME}\rX: y`],
    "two blanks in the line": () => [`GET  / HTTP/1.1`, `Host: ${NAME}`],
    "HTTP/0.9": () => [`GET /`],
  };
  for (const [kind, lines] of Object.entries(foreign)) {
    it(`${kind} gets 421, and the service sees nothing of it`, async () => {
      let seen = 0;
      await rig.proxy.tcp(rawName(rig.names.get(NAME)!), (socket) => {
        socket.on("data", () => (seen += 1));
      });
      const text = await ask(...lines(), close);
      expect(statusOf(text), text).to.equal(421);
      expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n")))).to.include({
        code: "PROXY_HOST_REFUSED",
      });
      expect(text).not.to.match(/access-control/i);
      expect(seen).to.equal(0);
      expect(rig.proxy.refused).to.deep.equal(["PROXY_HOST_REFUSED"]);
    });
  }

  it("a request in pieces is judged as a whole", async () => {
    const socket = await rig.connect(NAME);
    socket.setNoDelay(true);
    const all = drained(socket);
    for (const byte of `GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n`) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(statusOf((await all).text)).to.equal(421);
  });

  it("a head without end is refused when it is too long", async () => {
    const text = await ask(`GET / HTTP/1.1`, `Host: ${NAME}`, `X: ${"x".repeat(20_000)}`);
    expect(statusOf(text)).to.equal(421);
  });

  it("if nobody can say whose the name is, the request gets 503, not the service", async () => {
    rig.failures.set(
      "strange.bloc.alt",
      new BlockcloudError("RESOLVER_UNREACHABLE", "Nobody answers."),
    );
    expect(statusOf(await ask("GET / HTTP/1.1", "Host: strange.bloc.alt", close))).to.equal(503);
  });

  it("a label that went to another service is no name of this address any more", async () => {
    const before = await rig.address(NAME);
    const raw = rawName(rig.names.get(NAME)!);
    await rig.halt();
    rig.names.set(NAME, rig.names.get(OTHER)!);
    await rig.start();
    expect(await rig.address(NAME)).not.to.equal(before);
    expect(await rig.address(raw)).to.equal(before);
    const { text } = await rig.exchange(raw, `GET / HTTP/1.1\r\nHost: ${NAME}\r\n${close}\r\n\r\n`);
    expect(statusOf(text)).to.equal(421);
  });

  it("a page's request to a service that speaks first is cut, not passed on", async () => {
    const taken: string[] = [];
    await rig.tcp("mail.bloc.alt", (socket) => {
      socket.write("220 mail\r\n");
      socket.on("data", (data: Buffer) => taken.push(data.toString()));
    });
    const socket = await rig.connect("mail.bloc.alt");
    await once(socket, "data");
    const all = drained(socket);
    socket.write("POST / HTTP/1.1\r\nHost: evil.example\r\n\r\nRCPT TO: <all>\r\n");
    expect((await all).reset).to.equal(true);
    expect(taken).to.deep.equal([]);
    expect(rig.proxy.refused).to.deep.equal(["PROXY_HOST_REFUSED"]);
  });

  const others: Record<string, string> = {
    "ssh's banner": "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "PostgreSQL's start": "\x00\x00\x00\x08\x04\xd2\x16\x2f",
    TLS: "\x16\x03\x01\x02\x00\x01",
    "git's protocol": "0033git-upload-pack /project.git\x00host=myserver.com\x00",
    "a line of text": "get key\r\n",
    "a verb and a digit": "\x05\x01\x00",
    "HTTP/2 without TLS": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    RTSP: "OPTIONS rtsp://x/ RTSP/1.0\r\n",
  };
  for (const [kind, bytes] of Object.entries(others)) {
    it(`${kind} is no request, and is passed on at once`, async () => {
      const arrived = Promise.withResolvers<string>();
      await rig.tcp("raw.bloc.alt", (socket) => {
        socket.once("data", (data: Buffer) => {
          arrived.resolve(data.toString("latin1"));
        });
      });
      const socket = await rig.connect("raw.bloc.alt");
      socket.write(bytes, "latin1");
      expect(await arrived.promise).to.equal(bytes);
      socket.destroy();
    });
  }
});
