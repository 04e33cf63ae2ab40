import { expect } from "chai";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createHttpServer, type HttpRequest } from "../../../src/node/http/httpServer.ts";
import {
  fieldList,
  PreparedResponse,
  type AnyResponse,
  type HttpResponse,
} from "../../../src/node/http/response.ts";
import { ask, failureOf } from "../../support/httpClient.ts";

describe("createHttpServer", () => {
  let server: Server;
  let handle: (request: HttpRequest) => AnyResponse | Promise<AnyResponse>;
  let failures: unknown[];

  const get = async (method = "GET") => {
    const { port } = server.address() as AddressInfo;
    const { status, headers, body } = await ask({ port, path: "/", method });
    return { status, headers, text: body.toString() };
  };
  const text = (status: number, body?: string): HttpResponse => ({
    status,
    headers: { "x-own": "of this one" },
    body,
  });

  beforeEach(async () => {
    failures = [];
    server = createHttpServer(
      { maxHeaderBytes: 16_384, headersMs: 5_000, requestMs: 5_000, keepAliveMs: 5_000 },
      {
        headers: { "x-common": "of all" },
        handle: (request) => handle(request),
        refuse: (reason) => text(400, reason),
        failed: (error) => {
          failures.push(error);
          return text(500, (error as Error).message);
        },
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });

  it("sends a text whole, in whatever script it is written, at once or later", async () => {
    for (const body of ["plain", "Grüße", "ключ 鍵 🗝", "", "a\u0080b"]) {
      for (const given of [text(200, body), Promise.resolve(text(200, body))]) {
        handle = () => given;
        const answer = await get();
        expect(answer.text).to.equal(body);
        expect(answer.headers["content-length"]).to.equal(String(Buffer.byteLength(body)));
      }
    }
  });

  it("tells HEAD the length of a text that it does not send", async () => {
    handle = () => text(200, "Grüße");
    const answer = await get("HEAD");
    expect([answer.text, answer.headers["content-length"]]).to.deep.equal(["", "7"]);
  });

  it("sends bytes as they are, with their length", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    handle = () => ({ status: 200, headers: {}, body: bytes });
    const { port } = server.address() as AddressInfo;
    const { headers, body } = await ask({ port });
    expect([headers["content-length"], body.equals(bytes)]).to.deep.equal(["256", true]);
    expect((await get("HEAD")).headers["content-length"]).to.equal("256");
  });

  it("breaks a stream off that fails, tells of it, and serves on", async () => {
    const fault = new Error("the source is gone");
    async function* parts() {
      yield new TextEncoder().encode("a part");
      await Promise.resolve();
      throw fault;
    }
    handle = () => ({ status: 200, headers: {}, body: ReadableStream.from(parts()) });
    expect((await failureOf(get())).code).to.equal("ECONNRESET");
    expect(failures).to.deep.equal([fault]);
    handle = () => text(200, "plain");
    expect((await get()).text).to.equal("plain");
  });

  it("gives a response without content no length", async () => {
    for (const status of [204, 304]) {
      handle = () => text(status);
      const answer = await get();
      expect([answer.status, answer.text]).to.deep.equal([status, ""]);
      expect(answer.headers).to.not.have.property("content-length");
    }
  });

  it("answers a failure that comes at once, and one that comes later", async () => {
    const failures = [
      () => {
        throw new Error("at once");
      },
      () => Promise.reject(new Error("later")),
    ];
    const answers = [];
    for (const failure of failures) {
      handle = failure;
      const { status, text: said } = await get();
      answers.push([status, said]);
    }
    expect(answers).to.deep.equal([
      [500, "at once"],
      [500, "later"],
    ]);
  });

  it("gives every response the fields of all, beside its own", async () => {
    for (const given of [text(200, "body"), text(304), Promise.resolve(text(500, "fault"))]) {
      handle = () => given;
      const { headers } = await get();
      expect(headers).to.include({ "x-common": "of all", "x-own": "of this one" });
    }
  });

  it("sends a prepared response to many, as it was prepared", async () => {
    for (const body of ["plain", "ключ 鍵 🗝"]) {
      const prepared = new PreparedResponse(203, fieldList({ "x-own": "of this one" }), body);
      handle = () => prepared;
      for (const method of ["GET", "HEAD", "GET"]) {
        const { status, headers, text: said } = await get(method);
        expect([status, said]).to.deep.equal([203, method === "HEAD" ? "" : body]);
        expect(headers).to.include({
          "x-own": "of this one",
          "content-length": String(Buffer.byteLength(body)),
        });
        expect(headers).to.not.have.property("x-common");
      }
    }
  });
});
