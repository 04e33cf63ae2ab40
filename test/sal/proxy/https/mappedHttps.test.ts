import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { rawName } from "../../../../src/protocol/name.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { Authority, createAuthority } from "../../../../src/sal/proxy/https/authority.ts";
import { Terminator } from "../../../../src/sal/proxy/https/terminator.ts";
import { MappedRig } from "../../../support/mappedRig.ts";
import { curl, drained } from "../../../support/proxyRig.ts";

const NAME = "weather.bloc.alt";
const OTHER = "bank.bloc.alt";
const files = createAuthority(Date.now());

describe("https at mapped addresses", () => {
  let rig: MappedRig;
  let folder: string;

  before(async function () {
    rig = new MappedRig();
    folder = mkdtempSync(path.join(tmpdir(), "https-"));
    writeFileSync(path.join(folder, "root.crt"), files.root);
    rig.terminator = new Terminator(new Authority(files), () => Date.now());
    try {
      await rig.start({ ports: [443] });
    } catch (error) {
      // Port 443 needs a right that this user may not have.
      if (!(error instanceof BlockcloudError) || error.code !== "PROXY_MAP_LISTEN") throw error;
      this.skip();
    }
    await rig.web(NAME);
    await rig.web(OTHER);
  });
  after(async () => {
    await rig.stop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    rig.proxy.refused.length = 0;
    rig.proxy.dialled.length = 0;
  });

  /** A TLS connection to the address of a name. */
  async function tls(name: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const host = await rig.address(name);
    const socket = connect({ host, port: 443, servername: name, ca: files.root, ...options });
    socket.on("error", () => {});
    return socket;
  }

  it("a page is served under its name, by the service's port 80", async function () {
    if (spawnSync("curl", ["--version"]).error !== undefined) this.skip();
    const address = await rig.address(NAME);
    for (const name of [NAME, "weather.bloc.internal", rawName(rig.names.get(NAME)!)]) {
      const own = [
        "--cacert",
        path.join(folder, "root.crt"),
        "--resolve",
        `${name}:443:${address}`,
      ];
      const { exit, body } = await curl(...own, `https://${name}/forecast`);
      expect(exit, name).to.equal(0);
      expect(body.toString()).to.equal(`${NAME} /forecast ${name}`);
    }
    expect(new Set(rig.proxy.dialled.map(({ port }) => port))).to.deep.equal(new Set([80]));
  });

  it("the certificate names the service, in TLS 1.3 with HTTP/1.1", async () => {
    const socket = await tls(NAME, { ALPNProtocols: ["h2", "http/1.1"] });
    await once(socket, "secureConnect");
    expect([socket.authorized, socket.getProtocol(), socket.alpnProtocol]).to.deep.equal([
      ...[true, "TLSv1.3", "http/1.1"],
    ]);
    expect(socket.getPeerCertificate().subjectaltname).to.contain(`DNS:${NAME}`);
    socket.destroy();
  });

  for (const [kind, servername] of [
    ["another service's name", OTHER],
    ["a foreign name", "evil.example"],
    ["a name without a service", "nowhere.bloc.alt"],
    ["a name that cannot be one", "a.b.c.bloc.alt"],
    ["no name", ""],
  ] as const) {
    it(`${kind} in TLS gets no certificate`, async () => {
      const socket = await tls(NAME, { servername });
      const refused = await Promise.race([
        once(socket, "secureConnect").then(
          () => false,
          () => true,
        ),
        once(socket, "close").then(() => true),
      ]);
      expect(refused).to.equal(true);
      expect(rig.proxy.dialled).to.deep.equal([]);
    });
  }

  for (const way of ["--proxytunnel --proxy http://", "--socks5-hostname "]) {
    it(`by a proxy setting, too: curl ${way}`, async function () {
      if (spawnSync("curl", ["--version"]).error !== undefined) this.skip();
      const own = [
        "--cacert",
        path.join(folder, "root.crt"),
        ...`${way}${rig.proxy.at}`.split(" "),
      ];
      const { exit, body } = await curl(...own, `https://${NAME}/`);
      expect({ exit, body: body.toString() }).to.deep.equal({ exit: 0, body: `${NAME} / ${NAME}` });
      const other = await curl(...own, `https://nowhere.bloc.alt/`);
      expect(other.exit).to.be.oneOf([35, 56]);
    });
  }

  it("a foreign Host within TLS gets 421", async () => {
    const socket = await tls(NAME);
    const all = drained(socket);
    socket.write(`GET / HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`);
    expect((await all).text).to.match(/^HTTP\/1\.1 421 /);
    expect(rig.proxy.refused).to.deep.equal(["PROXY_HOST_REFUSED"]);
  });

  it("a flow that is lost ends below TLS, never as a whole answer", async () => {
    await rig.proxy.tcp(rawName(rig.names.get(OTHER)!), (socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\nhalf of it", () => {
          void once(rig.proxy.flows.at(-1)!, "data").then(() => socket.resetAndDestroy());
        });
      });
    });
    const socket = await tls(OTHER);
    const all = drained(socket);
    socket.write(`GET / HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`);
    expect((await all).reset).to.equal(true);
  });

  it("plain HTTP at the port of TLS is closed", async () => {
    const socket = connectTcp({ host: await rig.address(NAME), port: 443 });
    const all = drained(socket);
    socket.write(`GET / HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`);
    expect(await all).to.deep.equal({ text: "", reset: true });
    expect(rig.proxy.refused).to.deep.equal(["PROXY_GARBAGE"]);
  });
});
