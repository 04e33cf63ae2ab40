import { expect } from "chai";
import { once } from "node:events";
import type { Socket } from "node:net";
import { drained, ProxyRig } from "../../support/proxyRig.ts";

const NAME = "weather.bloc.alt";

/** A request in absolute form, which ends its connection. */
function get(path: string, ...fields: string[]): string {
  const lines = [`GET http://${NAME}${path} HTTP/1.1`, "Host: other.example", ...fields];
  return `${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`;
}

/** The body of a response that ends its connection. */
const bodyOf = (text: string) => text.slice(text.indexOf("\r\n\r\n") + 4);
const statusOf = (text: string) => Number(text.split(" ", 2)[1]);
for (const plain of [false, true]) {
  describe(`HTTP requests in absolute form, over flows that are ${plain ? "no " : ""}sockets`, () => {
    let rig: ProxyRig;

    beforeEach(async () => {
      rig = new ProxyRig({ plain });
      await rig.start();
    });
    afterEach(() => rig.stop());

    it("the target replaces the Host, and fields of the connection stay behind", async () => {
      const heads = await rig.scripted(
        NAME,
        "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\nContent-Length: 2\r\n\r\nok",
      );
      const { text } = await rig.exchange(
        get(
          "/a/../b?q=%20",
          "Proxy-Connection: keep-alive",
          "Proxy-Authorization: Basic eDp5",
          "X-Own: kept",
          "TE: trailers",
          "Keep-Alive: 5",
        ),
      );
      const [line, ...fields] = heads[0]!.trimEnd().split("\r\n");
      expect(line).to.equal("GET /a/../b?q=%20 HTTP/1.1");
      expect(fields).to.have.members([
        `Host: ${NAME}`,
        "X-Own: kept",
        "Connection: TE",
        "TE: trailers",
        "Via: 1.1 blockcloud-proxy",
      ]);
      expect(text).to.include("X-End: 2\r\n").and.include("Via: 1.1 blockcloud-proxy\r\n");
      expect(text).not.to.include("X-Hop");
      expect(bodyOf(text)).to.equal("ok");
    });

    it("requests of one connection share a flow, and never another connection's", async () => {
      let served = 0;
      await rig.http(NAME, (_request, response) => response.end(String(++served)));
      const kept = get("/").replace("Connection: close\r\n", "");
      const first = await rig.connect();
      const received = drained(first);
      for (let round = 1; round <= 3; round++) {
        first.write(kept);
        await once(first, "data");
      }
      await rig.exchange(get("/"));
      first.end();
      await received;
      expect(served).to.equal(4);
      expect(rig.flows).to.have.length(2);
    });

    it("requests sent ahead are answered in order", async () => {
      const order: string[] = [];
      await rig.http(NAME, (request, response) => {
        order.push(request.url ?? "");
        response.end(request.url);
      });
      const kept = (path: string) => get(path).replace("Connection: close\r\n", "");
      const { text } = await rig.exchange(kept("/1") + kept("/2") + get("/3"));
      expect(order).to.deep.equal(["/1", "/2", "/3"]);
      expect(text.match(/^\/\d/gm)).to.deep.equal(order);
    });

    it("a safe request is repeated if the kept flow turns out to be closed, others never use one", async () => {
      let connections = 0;
      const arrived: string[] = [];
      await rig.tcp(NAME, (socket) => {
        const connection = ++connections;
        let requests = 0;
        socket.on("data", (data: Buffer) => {
          arrived.push(`${connection} ${data.toString().split(" ", 1)[0]}`);
          requests += 1;
          // The first connection answers once, and breaks at its second request.
          if (connection === 1 && requests === 2) socket.resetAndDestroy();
          else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${connection}`);
        });
        socket.once("end", () => socket.end());
      });
      const kept = get("/").replace("Connection: close\r\n", "");
      const post = `POST http://${NAME}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;
      const socket = await rig.connect();
      const bodies: string[] = [];
      for (const request of [kept, post, kept]) {
        socket.write(request);
        const [data] = (await once(socket, "data")) as [Buffer];
        bodies.push(data.toString().slice(-1));
      }
      expect(bodies).to.deep.equal(["1", "2", "3"]);
      expect(arrived).to.deep.equal(["1 GET", "2 POST", "1 GET", "3 GET"]);
    });

    it("a kept flow that its service ends is closed at once", async () => {
      await rig.tcp(NAME, (socket) => {
        socket.once("data", () => {
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nserved");
        });
      });
      const socket = await rig.connect();
      socket.write(get("/").replace("Connection: close\r\n", ""));
      await once(socket, "data");
      const [flow] = rig.flows;
      if (!flow!.closed) await once(flow!, "close");
      expect(socket.destroyed).to.equal(false);
    });

    it("a response to HEAD keeps its length, and a 204 has none", async () => {
      await rig.scripted(
        NAME,
        "HTTP/1.1 200 OK\r\nContent-Length: 000123\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
      );
      const head = (await rig.exchange(get("/").replace("GET", "HEAD"))).text;
      expect(head).to.include("Content-Length: 123\r\n");
      expect(bodyOf(head)).to.equal("");
      const empty = (await rig.exchange(get("/"))).text;
      expect(empty)
        .to.match(/^HTTP\/1\.1 204 /)
        .and.not.match(/content-length|transfer-encoding/i);
    });

    it("100 (Continue) and 103 (Early Hints) come from the service", async () => {
      let body = "";
      await rig.tcp(NAME, (socket) => {
        socket.once("data", (data: Buffer) => {
          expect(data.toString()).to.include("Expect: 100-continue");
          socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
          socket.write("HTTP/1.1 100 Continue\r\n\r\n");
          socket.on("data", (more: Buffer) => {
            body += more.toString();
            socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
          });
        });
      });
      const socket = await rig.connect();
      let text = "";
      socket.on("data", (data: Buffer) => (text += data.toString()));
      socket.write(
        `POST http://${NAME}/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n`,
      );
      while (!text.includes("100 Continue")) await once(socket, "data");
      socket.write("body");
      await once(socket, "end");
      expect(body).to.equal("body");
      expect(text).to.match(
        /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 100/,
      );
      expect(text).to.match(/done$/);
    });

    it("trailers reach a program that reads them, a receipt among them", async () => {
      await rig.scripted(
        NAME,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Service-Receipt\r\n\r\n2\r\nok\r\n0\r\nService-Receipt: proof\r\nSet-Cookie: a=b\r\n\r\n",
      );
      const { text } = await rig.exchange(get("/", "TE: trailers"));
      expect(text).to.include("Trailer: Service-Receipt\r\n");
      expect(bodyOf(text)).to.equal("2\r\nok\r\n0\r\nService-Receipt: proof\r\n\r\n");
    });

    for (const [kind, head] of Object.entries({
      "with a length": "Content-Length: 100\r\n\r\npart",
      "in chunks": "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
      "without a length": "Connection: close\r\n\r\npart",
    })) {
      it(`a response ${kind} that breaks off resets the program's connection`, async () => {
        const service = Promise.withResolvers<Socket>();
        await rig.tcp(NAME, (socket) => {
          socket.once("data", () => {
            socket.write(`HTTP/1.1 200 OK\r\n${head}`);
            service.resolve(socket);
          });
        });
        const socket = await rig.connect();
        socket.write(get("/"));
        const [data] = (await once(socket, "data")) as [Buffer];
        expect(statusOf(data.toString())).to.equal(200);
        const received = drained(socket);
        (await service.promise).resetAndDestroy();
        expect((await received).reset).to.equal(true);
      });
    }

    it("a flow that closes without an end resets a response without a length, too", async () => {
      await rig.scripted(NAME, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart");
      const socket = await rig.connect();
      socket.write(get("/"));
      await once(socket, "data");
      const received = drained(socket);
      rig.flows[0]!.destroy();
      expect((await received).reset).to.equal(true);
    });

    it("a program that leaves in the middle of its request or of the response resets the flow", async () => {
      for (const request of [
        get("/"),
        `POST http://${NAME}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npart`,
      ]) {
        const lost = Promise.withResolvers<undefined>();
        const asked = Promise.withResolvers<undefined>();
        await rig.tcp(NAME, (socket) => {
          socket.once("data", () => {
            socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
            asked.resolve(undefined);
          });
          socket.once("close", () => {
            lost.resolve(undefined);
          });
          socket.once("end", () => socket.destroy());
        });
        const socket = await rig.connect();
        socket.write(request);
        await asked.promise;
        socket.resetAndDestroy();
        await lost.promise;
      }
    });

    it("a WebSocket in absolute form is switched, and its refusal is an ordinary response", async () => {
      const upgrade = get("/", "Upgrade: websocket").replace("close", "Upgrade");
      await rig.scripted(
        NAME,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nfirst",
        "echo",
      );
      const socket = await rig.connect();
      let text = "";
      socket.on("data", (data: Buffer) => (text += data.toString()));
      socket.write(upgrade);
      while (!text.endsWith("first")) await once(socket, "data");
      expect(text)
        .to.match(/^HTTP\/1\.1 101 /)
        .and.include("Sec-WebSocket-Accept: x\r\n");
      socket.write("frame");
      while (!text.endsWith("echo")) await once(socket, "data");
      socket.end();
      await once(socket, "end");
      await rig.scripted(NAME, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
      const refused = await rig.exchange(upgrade);
      expect(statusOf(refused.text)).to.equal(403);
      expect(bodyOf(refused.text)).to.equal("no");
    });
  });
}
