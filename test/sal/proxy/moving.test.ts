import { expect } from "chai";
import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { git, GitHost } from "../../support/gitHost.ts";
import { curl, ProxyRig } from "../../support/proxyRig.ts";
import type { DialTarget } from "../../../src/sal/proxy/dial.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import { until } from "../../support/until.ts";
import { endings, MovingRig, type Ending } from "../rig/movingRig.ts";

const NAME = "weather.bloc.alt";
const FILE = randomBytes(6_000_000);
/** wget's exit code for a network failure. */
const WGET_NETWORK = 4;

/** What happens to the provider when half of a response has been sent. */
type Event = Ending | "crash";

describe("programs as they are, while the provider moves", () => {
  let folder: string;
  let server: Server;
  let service: MovingRig;
  let proxy: ProxyRig;
  let flow: Flow | undefined;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  before(function () {
    for (const program of ["curl", "wget", "git"]) {
      if (spawnSync(program, ["--version"]).error !== undefined) this.skip();
    }
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "moving-"));
    server = createServer((request, response) => {
      answer(request, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    service = new MovingRig((server.address() as AddressInfo).port);
    proxy = new ProxyRig();
    await service.start();
    const dial = async ({ host, port }: DialTarget, signal: AbortSignal) =>
      (flow = await service.client.connect(host, port, signal));
    await proxy.start({}, { dial });
  });
  afterEach(async () => {
    await proxy.stop();
    await service.stop();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  /** Sends a body; when its first half has been sent, the event happens, and the rest follows after it. */
  async function inHalves(response: ServerResponse, body: Buffer, event: Event): Promise<void> {
    const half = body.length >> 1;
    response.write(body.subarray(0, half));
    await until("the program has some of it", () => (flow?.bytesRead ?? 0) > 500_000, 1);
    if (event === "crash") await service.crash();
    else await service.move(event);
    response.end(body.subarray(half));
  }

  /** Serves the file from the offset that is asked for, with an event in its middle each time. */
  function serveFile(...events: Event[]): void {
    answer = (request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const rest = FILE.subarray(from);
      response.writeHead(from === 0 ? 200 : 206, {
        "Content-Length": rest.length,
        ...(from > 0 && { "Content-Range": `bytes ${from}-${FILE.length - 1}/${FILE.length}` }),
      });
      void inHalves(response, rest, events.shift() ?? "announced");
    };
  }

  /** Runs a program to its end; gives its exit code. */
  function run(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
    return new Promise((resolve, reject) => {
      const settings = { env: { PATH: process.env["PATH"], HOME: folder, ...env }, cwd: folder };
      execFile(program, args, settings, (error) => {
        if (error === null || typeof error.code === "number") resolve(Number(error?.code ?? 0));
        else reject(new Error(`${program} did not run`, { cause: error }));
      });
    });
  }

  const wget = () =>
    run("wget", ["--no-config", "--quiet", "--tries=1", "--continue", `http://${NAME}/file`], {
      http_proxy: `http://${proxy.at}`,
    });

  const ways = {
    SOCKS5: () => ["--socks5-hostname", proxy.at],
    CONNECT: () => ["--proxytunnel", "--proxy", `http://${proxy.at}`],
    "absolute form": () => ["--proxy", `http://${proxy.at}`],
  };
  for (const [way, args] of Object.entries(ways)) {
    for (const ending of endings) {
      it(`curl by ${way}: a download is whole, its old path ${ending}`, async () => {
        serveFile(ending);
        const { exit, body } = await curl(...args(), `http://${NAME}/file`);
        expect({ exit, isWhole: body.equals(FILE) }).to.deep.equal({ exit: 0, isWhole: true });
        expect(service.moves).to.have.length(1);
        expect(service.sessions).to.equal(1);
      });
    }

    it(`curl by ${way}: a provider that ends takes no half of a file for a whole one`, async () => {
      serveFile("crash");
      const { exit } = await curl(...args(), `http://${NAME}/file`);
      expect(exit).to.be.oneOf([18, 56]);
    });
  }

  it("wget --continue: broken by the end of a provider, then whole in spite of a move", async () => {
    serveFile("crash");
    expect(await wget()).to.equal(WGET_NETWORK);
    const { size } = await stat(path.join(folder, "file"));
    expect(size).to.be.within(1, FILE.length - 1);

    serveFile("silent");
    expect(await wget()).to.equal(0);
    expect((await readFile(path.join(folder, "file"))).equals(FILE)).to.equal(true);
    expect(service.moves).to.deep.equal(["silence"]);
  });

  for (const event of [...endings, "crash"] as const) {
    const isWhole = event !== "crash";
    const outcome = isWhole ? "is whole" : "fails, and leaves nothing";
    it(`git clone ${outcome}: ${event} in the middle of the pack`, async () => {
      const host = new GitHost(4_000_000);
      try {
        answer = (request, response) => {
          void host.answer(request, response, (body) => inHalves(response, body, event));
        };
        const exit = await run("git", ["clone", "--quiet", `http://${NAME}/data`, "copy"], {
          GIT_CONFIG_NOSYSTEM: "1",
          http_proxy: `socks5h://${proxy.at}`,
        });
        expect(exit).to.equal(isWhole ? 0 : 128);
        if (isWhole) {
          const copy = path.join(folder, "copy");
          expect(git(copy, "rev-parse", "HEAD").trim()).to.equal(host.head);
          git(copy, "fsck", "--strict");
          expect(service.moves).to.have.length(1);
        } else {
          expect(await stat(path.join(folder, "copy")).catch(() => "absent")).to.equal("absent");
        }
      } finally {
        host.close();
      }
    });
  }
});
