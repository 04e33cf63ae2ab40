import { expect } from "chai";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { rawName } from "../../../src/protocol/name.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { ProxyRig } from "../../support/proxyRig.ts";
import { MovingRig } from "../rig/movingRig.ts";

const NAME = rawName(rootServiceId(7n));
const GIF = Buffer.from("R0lGODlhAwACAIAAAP8AAP///yH5BAAAAAAALAAAAAADAAIAAAIChF8AOw==", "base64");
/** Says what it saw by asking for one more resource. */
const PAGE = `<!doctype html><img id="a" src="/a.gif"><img id="b" src="/b.gif"><script>
const socket = new WebSocket("ws://" + location.host + "/socket");
const message = new Promise((resolve, reject) => {
  socket.onmessage = (event) => resolve(event.data);
  socket.onerror = () => reject("no WebSocket");
});
const loaded = new Promise((resolve) => addEventListener("load", resolve));
const other = fetch("http://elsewhere.bloc.alt/").then(() => "reached", () => "not reached");
const sizes = () => [a, b].map((image) => image.naturalWidth + "x" + image.naturalHeight);
Promise.all([message, other, loaded]).then(
  ([text, there]) => fetch("/seen?" + [...sizes(), text, there].join()),
  (error) => fetch("/seen?" + error),
);
</script>`;

/** Accepts a WebSocket (RFC 6455, 4.2.2), and sends one text. */
function greet(request: IncomingMessage, socket: Socket): void {
  // The browser ends with its connections open.
  socket.on("error", () => {});
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(Buffer.concat([Buffer.of(0x81, 5), Buffer.from("hello")]));
}

/** Serves the page and its pictures. */
class Page {
  readonly #seen = Promise.withResolvers<string>();

  /** What the page saw. */
  get seen(): Promise<string> {
    return this.#seen.promise;
  }

  readonly listener: RequestListener = (request, response) => {
    const url = request.url ?? "";
    const isPicture = url.endsWith(".gif");
    if (url.startsWith("/seen?")) this.#seen.resolve(decodeURIComponent(url.slice(6)));
    response.setHeader("Content-Type", isPicture ? "image/gif" : "text/html");
    response.end(isPicture ? GIF : PAGE);
  };
}

describe("the proxy as Chromium sees it", () => {
  let rig: ProxyRig;
  let folder: string;
  let browser: ChildProcess | undefined;

  before(function () {
    // The locked package has the headless shell, which takes no proxy.pac.
    if (spawnSync("chromium", ["--version"]).error !== undefined) this.skip();
  });
  beforeEach(async () => {
    rig = new ProxyRig({ plain: true });
    folder = await mkdtemp(path.join(tmpdir(), "proxy-"));
  });
  afterEach(async () => {
    if (browser?.exitCode === null) {
      const exited = once(browser, "exit");
      browser.kill("SIGTERM");
      await exited;
    }
    await rig.stop();
    await rm(folder, { recursive: true, maxRetries: 5 });
  });

  /** Opens the page; gives what it saw. */
  async function visit(seen: Promise<string>): Promise<string> {
    browser = spawn(
      "chromium",
      [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        `--user-data-dir=${folder}`,
        `--proxy-pac-url=http://${rig.at}/proxy.pac`,
        "--remote-debugging-port=0",
        `http://${NAME}/`,
      ],
      { stdio: "ignore" },
    );
    const ended = once(browser, "exit").then(([code]) => `Chromium ended with ${code}`);
    return Promise.race([seen, ended]);
  }

  it("a page with pictures and a WebSocket loads by proxy.pac, under a service ID", async () => {
    await rig.start();
    const page = new Page();
    const server = await rig.http(NAME, page.listener);
    server.on("upgrade", (request, socket) => {
      greet(request, socket as Socket);
    });
    expect(await visit(page.seen)).to.equal("3x2,3x2,hello,not reached");
    const forms = new Set(rig.dialled.map(({ client }) => client.form));
    expect([...forms]).to.have.members(["http", "connect"]);
    expect(rig.refused).to.include("SERVICE_UNKNOWN");
    const hosts = new Set(rig.dialled.map(({ host }) => host));
    expect([...hosts]).to.have.members([NAME, "elsewhere.bloc.alt"]);
  });

  it("the same while its provider moves, with a picture and the WebSocket open", async () => {
    const page = new Page();
    const server = createServer(page.listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    const service = new MovingRig((server.address() as AddressInfo).port);
    try {
      await service.start();
      await rig.start(
        {},
        {
          dial: ({ host, port }, signal) =>
            host === NAME
              ? service.client.connect(host, port, signal)
              : Promise.reject(new BlockcloudError("SERVICE_UNKNOWN", `No service ${host}.`)),
        },
      );
      server.on("upgrade", (request, socket) => {
        void service.move("silent").then(() => {
          greet(request, socket as Socket);
        });
      });
      expect(await visit(page.seen)).to.equal("3x2,3x2,hello,not reached");
      expect(service.moves).to.deep.equal(["silence"]);
    } finally {
      await service.stop();
      server.closeAllConnections();
      server.close();
    }
  });
});
