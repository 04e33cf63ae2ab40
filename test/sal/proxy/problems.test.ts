import { expect } from "chai";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { ProxyRig } from "../../support/proxyRig.ts";

const NAME = "weather.bloc.alt";

/** A request in absolute form, which ends its connection. */
const get = (path: string) =>
  `GET http://${NAME}${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

const statusOf = (text: string) => Number(text.split(" ", 2)[1]);
/** The problem in the body of a response. */
const problemOf = (text: string) =>
  JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4)) as Record<string, unknown>;

describe("requests that the proxy refuses, or cannot serve", () => {
  let rig: ProxyRig;

  beforeEach(async () => {
    rig = new ProxyRig();
    await rig.start();
  });
  afterEach(() => rig.stop());

  it("a problem names the code, the value and the remedy", async () => {
    const remedy = "Ask for one of: http.";
    rig.fails(NAME, new BlockcloudError("PORT_REFUSED", "Port 80 is not offered.", { remedy }));
    const { text } = await rig.exchange(get("/secret"));
    expect(text).to.include("Content-Type: application/problem+json\r\n");
    expect(problemOf(text)).to.deep.equal({
      type: "about:blank",
      title: "Forbidden",
      status: 403,
      code: "PORT_REFUSED",
      detail: "Port 80 is not offered.",
      remedy,
      value: `http://${NAME}/secret`,
    });
  });

  it("an error without a code tells nothing of itself", async () => {
    rig.fails(NAME, new Error("password 1234"));
    const { text } = await rig.exchange(get("/"));
    expect(statusOf(text)).to.equal(502);
    expect(text).not.to.include("1234");
    expect(JSON.stringify(rig.log.lines)).not.to.include("1234");
  });

  it("each error has its status", async () => {
    for (const [code, status] of Object.entries({
      SERVICE_UNKNOWN: 502,
      SAL_NO_PATH: 502,
      RESOLVER_UNREACHABLE: 503,
      SAL_TIMEOUT: 504,
      NAME_INVALID: 400,
      SAL_PROTOCOL: 502,
    })) {
      rig.fails(NAME, new BlockcloudError(code, "It failed."));
      const { text } = await rig.exchange(get("/"));
      expect(statusOf(text), code).to.equal(status);
      expect(problemOf(text).code).to.equal(code);
    }
  });

  it("a service that does not speak HTTP is named as such, and one that hangs up, too", async () => {
    await rig.scripted(NAME, "SSH-2.0-server\r\n");
    expect(problemOf((await rig.exchange(get("/"))).text).code).to.equal("PROXY_ANSWER_INVALID");
    await rig.tcp(NAME, (socket) => socket.once("data", () => socket.end()));
    expect(problemOf((await rig.exchange(get("/"))).text).code).to.equal("PROXY_FLOW_LOST");
  });

  it("other targets are refused", async () => {
    for (const [line, status, code] of [
      [`GET https://${NAME}/ HTTP/1.1`, 400, "PROXY_TARGET_INVALID"],
      [`GET ftp://${NAME}/ HTTP/1.1`, 400, "PROXY_TARGET_INVALID"],
      [`GET http://user@${NAME}/ HTTP/1.1`, 400, "PROXY_TARGET_INVALID"],
      [`GET http://${NAME}:99999/ HTTP/1.1`, 400, "PROXY_TARGET_INVALID"],
      [`GET http://${NAME}/#part HTTP/1.1`, 400, "PROXY_TARGET_INVALID"],
      ["GET http://[::1]/ HTTP/1.1", 403, "PROXY_DESTINATION_REFUSED"],
      ["GET http://127.0.0.1/proxy.pac HTTP/1.1", 403, "PROXY_DESTINATION_REFUSED"],
      [`TRACE http://${NAME}/ HTTP/1.1`, 405, "PROXY_METHOD_REFUSED"],
      [`CONNECT ${NAME} HTTP/1.1`, 400, "PROXY_TARGET_INVALID"],
      ["CONNECT example.org:443 HTTP/1.1", 403, "PROXY_DESTINATION_REFUSED"],
    ] as const) {
      const { text } = await rig.exchange(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(statusOf(text), line).to.equal(status);
      expect(problemOf(text).code, line).to.equal(code);
    }
    expect(rig.dialled).to.deep.equal([]);
  });

  it("requests that two servers could read in two ways are refused", async () => {
    for (const [fields, status] of [
      ["Host: a\r\nHost: b\r\n", 400],
      ["Host: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400],
      ["Host: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n", 400],
      ["Host: x\r\nTransfer-Encoding: gzip, chunked\r\n", 501],
      ["Host: x\r\n folded: 1\r\n", 400],
    ] as const) {
      const { text } = await rig.exchange(
        `POST http://${NAME}/ HTTP/1.1\r\n${fields}Connection: close\r\n\r\n0\r\n\r\n`,
      );
      expect(statusOf(text), fields).to.equal(status);
    }
    expect(rig.dialled).to.deep.equal([]);
  });

  it("OPTIONS ends at the proxy that Max-Forwards names", async () => {
    const heads = await rig.scripted(NAME, "HTTP/1.1 204 No Content\r\n\r\n");
    const options = (left: number) =>
      `OPTIONS http://${NAME} HTTP/1.1\r\nHost: x\r\nMax-Forwards: ${left}\r\nConnection: close\r\n\r\n`;
    expect(statusOf((await rig.exchange(options(0))).text)).to.equal(204);
    expect(heads).to.deep.equal([]);
    await rig.exchange(options(5));
    expect(heads[0])
      .to.match(/^OPTIONS \* HTTP\/1\.1\r\n/)
      .and.include("Max-Forwards: 4\r\n");
  });
});
