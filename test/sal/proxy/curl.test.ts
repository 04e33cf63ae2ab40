import { expect } from "chai";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { curl, ProxyRig } from "../../support/proxyRig.ts";

const NAME = "weather.bloc.alt";
const FILE = randomBytes(3_000_000);

/** curl's exit codes for a download that broke off: a partial file, or a failure while receiving. */
const BROKEN = [18, 56];

/** The ways in which curl uses a proxy, as its arguments. */
const WAYS: Readonly<Record<string, (at: string) => string[]>> = {
  SOCKS5: (at) => ["--socks5-hostname", at],
  CONNECT: (at) => ["--proxytunnel", "--proxy", `http://${at}`],
  "absolute form": (at) => ["--proxy", `http://${at}`],
};

for (const [way, args] of Object.entries(WAYS)) {
  describe(`the proxy as curl sees it, by ${way}`, () => {
    let rig: ProxyRig;

    before(function () {
      if (spawnSync("curl", ["--version"]).error !== undefined) this.skip();
    });
    beforeEach(async () => {
      rig = new ProxyRig();
      await rig.start();
    });
    afterEach(() => rig.stop());

    const ask = (path: string, ...more: string[]) =>
      curl(...args(rig.at), ...more, `http://${NAME}${path}`);

    it("a whole download ends with 0, and its bytes are right", async () => {
      await rig.http(NAME, (_request, response) => response.end(FILE));
      const { exit, body, status } = await ask("/file");
      expect({ exit, status }).to.deep.equal({ exit: 0, status: 200 });
      expect(body.equals(FILE)).to.equal(true);
      expect(rig.dialled.map(({ host, port }) => `${host}:${port}`)).to.deep.equal([`${NAME}:80`]);
    });

    it("a whole upload arrives", async () => {
      const digest = createHash("sha256");
      await rig.http(NAME, (request, response) => {
        request.on("data", (chunk: Buffer) => digest.update(chunk));
        request.once("end", () => response.end("taken"));
      });
      const folder = await mkdtemp(path.join(tmpdir(), "proxy-"));
      try {
        await writeFile(path.join(folder, "upload"), FILE);
        const { exit, body } = await ask("/", "--data-binary", `@${path.join(folder, "upload")}`);
        expect({ exit, body: body.toString() }).to.deep.equal({ exit: 0, body: "taken" });
      } finally {
        await rm(folder, { recursive: true });
      }
      expect(digest.digest("hex")).to.equal(createHash("sha256").update(FILE).digest("hex"));
    });

    it("a download without a length ends with 0 if its service ended it", async () => {
      await rig.tcp(NAME, (socket) => {
        socket.once("data", () => socket.end("HTTP/1.0 200 OK\r\n\r\nall of it"));
      });
      const { exit, body } = await ask("/");
      expect({ exit, body: body.toString() }).to.deep.equal({ exit: 0, body: "all of it" });
    });

    const heads = {
      "with a length": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
      "in chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n",
      "without a length": "HTTP/1.0 200 OK\r\n\r\n",
    };
    for (const [kind, head] of Object.entries(heads)) {
      it(`a download ${kind} whose flow is lost never looks like a whole one`, async () => {
        await rig.tcp(NAME, (socket) => {
          socket.once("data", () => {
            socket.write(`${head}half of it`.slice(0, -1), () => {
              void once(rig.flows[0]!, "data").then(() => socket.resetAndDestroy());
            });
          });
        });
        const { exit } = await ask("/");
        expect(BROKEN, String(exit)).to.include(exit);
      });
    }

    it("an unknown name fails, and the proxy goes on", async () => {
      await rig.http(NAME, (_request, response) => response.end("still here"));
      const nowhere = await curl(...args(rig.at), "--fail", "http://nowhere.bloc.alt/");
      expect(nowhere.exit).to.be.oneOf([22, 56, 97]);
      expect((await ask("/")).body.toString()).to.equal("still here");
      expect(rig.refused).to.deep.equal(["SERVICE_UNKNOWN"]);
    });

    it("other destinations are refused, and not dialled", async () => {
      for (const url of ["http://example.org/", "http://127.0.0.1/", "http://notbloc.alt/"]) {
        const { exit } = await curl(...args(rig.at), "--fail", url);
        expect(exit, url).to.be.oneOf([22, 56, 97]);
      }
      expect(rig.refused).to.deep.equal(Array(3).fill("PROXY_DESTINATION_REFUSED"));
      expect(rig.dialled).to.deep.equal([]);
    });
  });
}
