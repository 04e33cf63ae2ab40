import { expect } from "chai";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { proxySettings, type ProxyOptions } from "../../../src/sal/proxy/options.ts";
import { linuxPeerUser, userOf } from "../../../src/sal/proxy/peerUser.ts";
import { createSalProxy, type ProxyDependencies } from "../../../src/sal/proxy/salProxy.ts";
import { expectCode } from "../../support/expectCode.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { ProxyRig } from "../../support/proxyRig.ts";

const NAME = "weather.bloc.alt";
const PASSWORD = "correct horse: battery";
const OWN = 1_000;
const STRANGER = 1_001;

const basic = (password: string) => `Basic ${Buffer.from(`me:${password}`).toString("base64")}`;
const get = (...fields: string[]) =>
  `${[`GET http://${NAME}/ HTTP/1.1`, "Host: x", "Connection: close", ...fields].join("\r\n")}\r\n\r\n`;
const withPassword = (password: string) => get(`Proxy-Authorization: ${basic(password)}`);
const statusOf = (text: string) => Number(text.split(" ", 2)[1]);

/** SOCKS with a password (RFC 1929), and a request. */
function socks(password: string): string {
  const size = (text: string) => String.fromCharCode(text.length);
  const host = `\x05\x01\x00\x03${size(NAME)}${NAME}\x00\x50`;
  return `\x05\x02\x00\x02\x01\x02me${size(password)}${password}${host}hi`;
}

describe("who may use the proxy", () => {
  let rig: ProxyRig;
  let folder: string;
  let passwordFile: string;
  let timers: FakeTimers;

  beforeEach(async () => {
    rig = new ProxyRig();
    timers = new FakeTimers();
    folder = await mkdtemp(path.join(tmpdir(), "proxy-"));
    passwordFile = path.join(folder, "password");
    await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  });
  afterEach(async () => {
    await rig.stop();
    await rm(folder, { recursive: true });
  });

  async function start(
    options: Partial<ProxyOptions>,
    dependencies: Partial<ProxyDependencies> = {},
  ): Promise<void> {
    await rig.http(NAME, (_request, response) => response.end("served"));
    await rig.start(options, dependencies);
  }

  it("with a password, HTTP gives it by Basic, and the service never sees it", async () => {
    const seen: string[] = [];
    await rig.http("other.bloc.alt", () => {});
    await rig.http(NAME, (request, response) => {
      seen.push(...request.rawHeaders);
      response.end("served");
    });
    await rig.start({ passwordFile });
    const asked = (await rig.exchange(get())).text;
    expect(statusOf(asked)).to.equal(407);
    expect(asked).to.include('Proxy-Authenticate: Basic realm="blockcloud", charset="UTF-8"\r\n');
    expect((await rig.exchange(withPassword(PASSWORD))).text).to.match(/served/);
    expect(statusOf((await rig.exchange(withPassword("wrong"))).text)).to.equal(407);
    expect(seen.join()).not.to.match(/authorization/i);
    expect(JSON.stringify(rig.log.lines)).not.to.include(PASSWORD);
  });

  it("CONNECT and SOCKS5 ask for it, too", async () => {
    await start({ passwordFile });
    const tunnel = (field: string) => `CONNECT ${NAME}:80 HTTP/1.1\r\nHost: x\r\n${field}\r\n`;
    expect(statusOf((await rig.exchange(tunnel(""))).text)).to.equal(407);
    const field = `Proxy-Authorization: ${basic(PASSWORD)}\r\n`;
    expect(statusOf((await rig.exchange(tunnel(field) + get())).text)).to.equal(200);
    expect((await rig.exchange(socks("wrong"))).text).to.equal("\x05\x02\x01\x01");
    expect((await rig.exchange("\x05\x01\x00")).text).to.equal("\x05\xff");
    expect((await rig.exchange(socks(PASSWORD))).text).to.match(/^\x05\x02\x01\x00\x05\x00\x00/);
    expect(rig.dialled).to.have.length(2);
  });

  it("a peer that guesses is not told of a right guess, for a while", async () => {
    await start({ passwordFile }, { timers });
    for (let guess = 0; guess < 10; guess++) {
      expect(statusOf((await rig.exchange(withPassword(`${guess}`))).text)).to.equal(407);
    }
    expect(statusOf((await rig.exchange(withPassword(PASSWORD))).text)).to.equal(429);
    timers.pass(1_000);
    expect(statusOf((await rig.exchange(withPassword(PASSWORD))).text)).to.equal(200);
  });

  it("a private proxy serves its own user, and nobody else", async () => {
    let user: number | undefined = OWN;
    await start({ private: true }, { ownUser: OWN, peerUser: () => Promise.resolve(user) });
    expect((await rig.exchange(get())).text).to.match(/served/);
    for (user of [STRANGER, 0, undefined]) {
      expect(statusOf((await rig.exchange(get())).text), String(user)).to.equal(403);
      expect((await rig.exchange("\x05\x01\x00")).text, String(user)).to.equal("\x05\xff");
      const pac = "GET /proxy.pac HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
      expect(statusOf((await rig.exchange(pac)).text), String(user)).to.equal(403);
    }
    expect(rig.dialled).to.have.length(1);
  });

  it("a private proxy serves others who have its password", async () => {
    let user = OWN;
    await start(
      { private: true, passwordFile },
      { ownUser: OWN, peerUser: () => Promise.resolve(user) },
    );
    expect((await rig.exchange(get())).text).to.match(/served/);
    user = STRANGER;
    expect(statusOf((await rig.exchange(get())).text)).to.equal(407);
    expect((await rig.exchange(withPassword(PASSWORD))).text).to.match(/served/);
  });

  it("if the user cannot be looked up, nobody is served", async () => {
    await start(
      { private: true },
      { ownUser: OWN, peerUser: () => Promise.reject(new Error("no table")) },
    );
    expect((await rig.exchange(get())).text).to.equal("");
    expect(rig.dialled).to.deep.equal([]);
  });

  it("options that would fail later are refused at the start", () => {
    for (const options of [
      { listen: { host: "0.0.0.0", port: 0 } },
      { listen: { host: "::", port: 0 } },
      { listen: { host: "192.0.2.1", port: 0 } },
      { listen: { host: "localhost", port: 0 } },
      { listen: { port: 65_536 } },
      { listen: { port: 0 }, handshakeMs: 0 },
      { listen: { port: 0 }, handshakeMs: 2 ** 31 },
      { listen: { port: 0 }, typo: 1 },
    ]) {
      expectCode("PROXY_OPTIONS", () => proxySettings(options, true));
    }
    expectCode("PROXY_OPTIONS", () => proxySettings({ listen: { port: 0 }, private: true }, false));
    const remote = { listen: { host: "0.0.0.0", port: 0 }, passwordFile };
    expect(proxySettings(remote, false).listen.host).to.equal("0.0.0.0");
  });

  it("a password that SOCKS5 cannot carry, and one that others may read, is refused", async () => {
    const dependencies = { dial: () => Promise.reject(new Error("unused")), logger: rig.log };
    const make = () => createSalProxy({ listen: { port: 0 }, passwordFile }, dependencies);
    for (const password of ["", "x".repeat(256)]) {
      await writeFile(passwordFile, password);
      expectCode("PROXY_OPTIONS", make);
    }
    await chmod(passwordFile, 0o644);
    expectCode("KEY_FILE_OPEN", make);
  });
});

describe("the user of a peer's socket", () => {
  const table = (line: string) =>
    `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n${line}\n`;
  const near = { address: "127.0.0.1", port: 0x1f90 };
  const far = { address: "127.0.0.1", port: 0x0438 };

  it("is that of the line with exactly these two ends", () => {
    const own =
      "   1: 0100007F:1F90 0100007F:0438 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1";
    expect(userOf(table(own), near, far, false)).to.equal(1000);
    // The line of this end has the same numbers the other way round.
    expect(userOf(table(own), far, near, false)).to.equal(undefined);
    expect(userOf(table(own), { ...near, port: 0xf90 }, far, false)).to.equal(undefined);
    expect(userOf(table(own), { ...near, address: "127.0.0.2" }, far, false)).to.equal(undefined);
  });

  it("is unknown once the program has closed the socket, although the table says root", () => {
    const orphan =
      "   1: 0100007F:1F90 0100007F:0438 05 00000000:00000000 00:00000000 00000000     0        0 0 1";
    expect(userOf(table(orphan), near, far, false)).to.equal(undefined);
  });

  it("is found for IPv6, and for IPv4 over an IPv6 socket", () => {
    const v6 =
      "   1: 00000000000000000000000001000000:1F90 00000000000000000000000001000000:0438 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1";
    const ends = [near, far].map((end) => ({ ...end, address: "::1" }));
    expect(userOf(table(v6), ends[0]!, ends[1]!, true)).to.equal(1000);
    const mapped = v6.replaceAll(
      "00000000000000000000000001000000",
      "0000000000000000FFFF00000100007F",
    );
    expect(userOf(table(mapped), near, far, true)).to.equal(1000);
  });

  it("is this process's own for a connection of its own", async function () {
    if (process.platform !== "linux") this.skip();
    for (const host of ["127.0.0.1", "::1"]) {
      const server = createServer();
      server.listen(0, host);
      try {
        await once(server, "listening");
      } catch {
        // This host has no IPv6.
        continue;
      }
      const accepted = once(server, "connection");
      const program = connect((server.address() as AddressInfo).port, host);
      const [socket] = (await accepted) as [Socket];
      expect(await linuxPeerUser(socket), host).to.equal(process.getuid?.());
      program.destroy();
      socket.destroy();
      server.close();
      await once(server, "close");
    }
  });
});
