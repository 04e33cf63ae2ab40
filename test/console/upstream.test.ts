import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { expect } from "chai";
import { askJson } from "../../src/console/upstream.ts";

describe("a server behind the console", () => {
  const { signal } = new AbortController();
  let server: Server;
  /** Answers of each connection before it is closed instead. */
  let most = 0;
  let asked = 0;
  const answered = new Map<Socket, number>();
  const ask = () => {
    const { port } = server.address() as AddressInfo;
    const limits = { maxBytes: 100, timeMs: 60_000, claim: () => undefined };
    return askJson(fetch, `http://127.0.0.1:${port}/`, "{}", limits, signal);
  };

  before(async () => {
    server = createServer((request, response) => {
      asked += 1;
      const before = answered.get(request.socket) ?? 0;
      answered.set(request.socket, before + 1);
      request.resume().on("end", () => {
        if (before >= most) request.socket.destroy();
        else response.end("[]");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it("is asked again when it closes a connection that is used again", async () => {
    most = 1;
    // A client may have several connections; after some requests it uses one again.
    for (let request = 1; request <= 6; request++) expect(await ask()).to.equal("[]");
    expect(asked).to.be.above(6);
  });

  it("is not asked for ever", async () => {
    most = 0;
    asked = 0;
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(error).to.have.property("code", "UPSTREAM_FAILED");
    expect(asked).to.be.at.most(3);
  });
});
