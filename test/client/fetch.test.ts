import { expect } from "chai";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { zeroAddress, type Hex } from "viem";
import { ReceiptError, UnreachableError } from "../../src/client/errors.ts";
import { writeQuestion } from "../../src/client/question.ts";
import { ServiceResponse } from "../../src/client/response.ts";
import { askService } from "../../src/client/serviceFetch.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import type { SignedReceipt } from "../../src/protocol/receipt.ts";
import { rootServiceId, serviceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { answerOf } from "../support/fakeResolver.ts";
import { ClientRig, SEVEN, WEATHER } from "../support/clientRig.ts";
import { rejection } from "../support/rejection.ts";
import { receipts, SERVICE_KEY, ServiceRig, type Script } from "../support/serviceRig.ts";

const NONCE: Hex = `0x${"a1".repeat(32)}`;

describe("a client's fetch", () => {
  const services = new ServiceRig();
  let rig: ClientRig;
  beforeEach(() => {
    rig = new ClientRig();
  });
  afterEach(async () => {
    await rig.client.close();
    await services.close();
  });

  /** Serves by a script at the only endpoint of service 7. */
  async function serve(script: Script | ((body: string) => Script) = {}): Promise<string> {
    const url = await services.serve(script);
    rig.at(url);
    return url;
  }

  /** An address at which nothing listens. */
  async function nowhere(): Promise<string> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    return `http://127.0.0.1:${port}/`;
  }

  it("gives a response that the service's key signed for", async () => {
    const headers = { "content-type": "text/plain", "set-cookie": "a=1" };
    const endpoint = await serve({ status: 201, body: "sunny", headers });
    const response = await rig.client.fetch("bloc://weather/forecast?day=1#top");
    expect(response).to.be.instanceOf(ServiceResponse).and.instanceOf(Response);
    expect(response).to.include({ status: 201, ok: true, serviceId: SEVEN, endpoint });
    expect(response.headers.get("content-type")).to.equal("text/plain");
    expect(response.headers.getSetCookie()).to.deep.equal(["a=1"]);
    expect(await response.text()).to.equal("sunny");
    expect(receipts.recover(response.receipt)).to.equal(addressOfKey(SERVICE_KEY));
    const [asked] = services.asked;
    expect(asked).to.include({ method: "GET", target: "/forecast?day=1" });
    expect(asked!.headers).to.include({ "accept-encoding": "identity" });
    expect(response.receipt).to.include({ serviceId: SEVEN });
    expect(response.receipt.nonce).to.equal(asked!.headers["service-nonce"]);
  });

  it("asks by ID as by name, with another nonce each time", async () => {
    await serve();
    for (const input of [SEVEN, `${SEVEN}/`, WEATHER, `bloc://${WEATHER}`, "bloc://weather"]) {
      expect((await rig.client.fetch(input)).status, input).to.equal(200);
    }
    const nonces = services.asked.map(({ headers }) => headers["service-nonce"]);
    expect(new Set(nonces).size).to.equal(5);
  });

  it("takes a receipt from the trailer of a body that was streamed", async () => {
    await serve({ body: "long", inTrailer: true });
    expect(await (await rig.client.fetch(SEVEN)).text()).to.equal("long");
  });

  it("sends method, fields, every kind of body, and the caller's nonce", async () => {
    await serve((body) => ({ body: `got ${body}` }));
    const init = { method: "POST", nonce: NONCE, headers: { "x-a": "b", host: "evil.example" } };
    for (const body of ["text", new TextEncoder().encode("text"), new Blob(["text"])]) {
      const response = await rig.client.fetch(`${SEVEN}/form`, { ...init, body });
      expect(await response.text()).to.equal("got text");
      expect(response.receipt.nonce).to.equal(NONCE);
    }
    const form = await rig.client.fetch(SEVEN, { ...init, body: new URLSearchParams({ q: "1" }) });
    expect(await form.text()).to.equal("got q=1");
    const [asked] = services.asked;
    expect(asked!.headers).to.include({ "x-a": "b", "service-nonce": NONCE });
    expect(asked!.headers.host).not.to.equal("evil.example");
    expect(services.asked[3]!.headers["content-type"]).to.match(/^application\/x-www-form-/);
  });

  it("lets no header field take the place of its own nonce and coding", async () => {
    await serve();
    const headers = { "service-nonce": NONCE, "accept-encoding": "br", connection: "close" };
    await rig.client.fetch(SEVEN, { headers });
    const [asked] = services.asked;
    expect(asked!.headers["service-nonce"])
      .to.match(/^0x[0-9a-f]{64}$/)
      .and.not.equal(NONCE);
    expect(asked!.headers["accept-encoding"]).to.equal("identity");
  });

  it("hands out statuses without a body and redirects as they come", async () => {
    for (const status of [204, 302, 304, 404, 502]) {
      await serve({ status, headers: { location: "http://127.0.0.1:1/" } });
      expect((await rig.client.fetch(SEVEN)).status).to.equal(status);
    }
    expect(services.asked).to.have.length(5);
  });

  describe("believes no response", () => {
    const resign = (receipt: SignedReceipt) => receipts.sign(receipt, hexToBytes(SERVICE_KEY));
    const cases: [code: string, script: Script][] = [
      ["RECEIPT_MISSING", { receipt: () => undefined }],
      ["RECEIPT_MALFORMED", { receipt: () => "abc" }],
      [
        "RECEIPT_SERVICE",
        { receipt: (honest) => resign({ ...honest, serviceId: rootServiceId(8n) }) },
      ],
      ["RECEIPT_NONCE", { receipt: (honest) => resign({ ...honest, nonce: NONCE }) }],
      ["RECEIPT_CHANNEL", { receipt: (honest) => resign({ ...honest, channel: NONCE }) }],
      ["RECEIPT_KEY", { key: `0x${"66".repeat(32)}` }],
      ["RECEIPT_KEY", { receipt: (honest) => ({ ...honest, issuedAt: honest.issuedAt + 1n }) }],
    ];
    for (const [code, script] of cases) {
      it(`with ${code}`, async () => {
        const endpoint = await serve({ ...script, status: 503, body: "busy" });
        const error = await rejection(code, rig.client.fetch(SEVEN));
        expect(error).to.be.instanceOf(ReceiptError).and.include({ endpoint, serviceId: SEVEN });
        const { response } = error as ReceiptError;
        expect(response.status).to.equal(503);
        expect(await response.text(), "for whoever wants to know").to.equal("busy");
      });
    }
  });

  it("takes a sub-service's receipt by the key in its ID, not by the root's", async () => {
    const url = await services.serve({
      receipt: (honest) =>
        receipts.sign({ ...honest, serviceId: sub(SERVICE_KEY) }, hexToBytes(SERVICE_KEY)),
    });
    const endpoints = [{ uri: url, priority: 0, weight: 1 }];
    const root = answerOf(7n).service!;
    const id = sub(SERVICE_KEY);
    rig.resolver.set(`roof.${WEATHER}`, answerOf(7n, { serviceId: id, endpoints, service: root }));
    expect(await rig.client.fetch("bloc://roof.weather")).to.include({ serviceId: id });

    function sub(key: Hex): Hex {
      expect(addressOfKey(key)).not.to.equal(zeroAddress);
      return serviceId({ prefix: 7n, group: 0, self: addressOfKey(key) });
    }
  });

  describe("goes on to the next endpoint", () => {
    it("when one is out of reach, breaks off, or talks something else", async () => {
      const broken = await services.listenRaw((socket) => socket.destroy());
      const strange = await services.listenRaw((socket) =>
        socket.end("220 mail.example ESMTP\r\n"),
      );
      rig.at(await nowhere(), "tcp://127.0.0.1:1", broken, strange, await services.serve());
      const response = await rig.client.fetch(SEVEN, { method: "PUT", body: "x" });
      expect(response.status).to.equal(200);
    });

    it("when one never answers, whose share of the time is over", async () => {
      const silent = await services.listenRaw(() => undefined);
      const answer = rig.at(silent, await services.serve());
      // By this clock 10 ms are left when the first is asked, and a minute when the second is.
      const moments = [0, 59_990, 0];
      const timers = { ...systemTimers, monotonic: () => moments.shift() ?? 0 };
      const response = await askService(
        answer,
        "/",
        await writeQuestion({}),
        { timeMs: 60_000, maxBytes: 1_000, allowLoopback: true },
        { timers, receipts },
        new AbortController().signal,
      );
      expect(response.status).to.equal(200);
    });

    it("never with a request that must not arrive twice", async () => {
      let arrived = 0;
      const broken = await services.listenRaw((socket) => {
        arrived += 1;
        socket.destroy();
      });
      rig.at(broken, await services.serve());
      const call = rig.client.fetch(SEVEN, { method: "POST", body: "x" });
      const error = await rejection("SERVICE_UNREACHABLE", call);
      expect((error as UnreachableError).failures).to.have.length(1);
      expect([arrived, services.asked]).to.deep.equal([1, []]);
    });

    it("with every request where the address is refused, to which nothing was sent", async () => {
      rig.at("http://169.254.169.254/", await services.serve());
      expect((await rig.client.fetch(SEVEN, { method: "POST", body: "x" })).status).to.equal(200);
    });
  });

  it("says of each endpoint why it failed", async () => {
    const gone = await nowhere();
    rig.at(gone, "http://10.0.0.1/");
    const error = await rejection("SERVICE_UNREACHABLE", rig.client.fetch(SEVEN));
    const { failures, retryable } = error as UnreachableError;
    expect(error).to.be.instanceOf(UnreachableError);
    expect(failures.map(({ endpoint, error: { code } }) => [endpoint, code])).to.deep.equal([
      [gone, "NET_FAILED"],
      ["http://10.0.0.1/", "NET_REFUSED"],
    ]);
    expect(retryable).to.equal(true);
  });

  it("reaches nothing on this host unless it may", async () => {
    const closed = new ClientRig({ allowLoopback: false });
    closed.at(await services.serve());
    const error = await rejection("SERVICE_UNREACHABLE", closed.client.fetch(SEVEN));
    expect((error as UnreachableError).failures[0]!.error.code).to.equal("NET_REFUSED");
    expect((error as UnreachableError).remedy).to.contain("--allow-loopback");
    expect(services.asked).to.deep.equal([]);
  });

  it("says when nothing is published for HTTP, or nothing at all, or there is no such service", async () => {
    rig.at("tcp://127.0.0.1:1");
    await rejection("ENDPOINT_NOT_HTTP", rig.client.fetch(SEVEN));
    rig.resolver.fail("silent.bloc.alt", "RECORD_MISSING");
    await rejection("RECORD_MISSING", rig.client.fetch("bloc://silent"));
    await rejection("SERVICE_UNKNOWN", rig.client.fetch("bloc://unknown"));
    await rejection("NAME_INVALID", rig.client.fetch("no name"));
    await rejection("SERVICE_URL_INVALID", rig.client.fetch("https://weather.bloc.alt"));
    await rejection("NONCE_MALFORMED", rig.client.fetch(SEVEN, { nonce: "0x12" }));
  });

  it("takes no body above the bound", async () => {
    await serve({ body: "x".repeat(1_001) });
    await rejection("NET_TOO_LARGE", rig.client.fetch(SEVEN, { maxBytes: 1_000 }));
    expect((await rig.client.fetch(SEVEN, { maxBytes: 1_001 })).status).to.equal(200);
  });

  it("ends when its time is over, whatever it waits for", async () => {
    rig.resolver.gate = new Promise(() => undefined);
    rig.at("http://127.0.0.1:1/");
    await rejection("REQUEST_TIMEOUT", rig.client.fetch(SEVEN, { timeMs: 1 }));
  });

  it("ends when the caller's signal is aborted, before and meanwhile", async () => {
    const reason = new Error("enough");
    const abort = new AbortController();
    await serve({
      before: () => {
        abort.abort(reason);
      },
    });
    const failure = await rig.client
      .fetch(SEVEN, { signal: abort.signal })
      .catch((e: unknown) => e);
    expect(failure).to.equal(reason);
    const again = await rig.client.fetch(SEVEN, { signal: abort.signal }).catch((e: unknown) => e);
    expect(again).to.equal(reason);
    expect(services.asked).to.have.length(1);
  });
});
