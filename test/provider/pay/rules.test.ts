import { expect } from "chai";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { FreeAllowance } from "../../../src/cashier/allowance.ts";
import { parsePrice } from "../../../src/cashier/price.ts";
import { encodeTabPayment } from "../../../src/cashier/tabPayment.ts";
import { parseCidr } from "../../../src/net/cidr.ts";
import { encodeField } from "../../../src/protocol/x402.ts";
import { setPayment } from "../../../src/sal/pay/flowPayment.ts";
import { ask, open } from "../../support/httpClient.ts";
import { offered, paying } from "../../support/payRig.ts";
import { fakePayer, TabRig, tabFetch } from "../../support/tabRig.ts";

describe("who must pay a priced gateway, and where", () => {
  let rig: TabRig;
  let runs = 0;
  beforeEach(() => {
    rig = new TabRig("0.002/MB|0.0001/request");
    runs = 0;
  });
  afterEach(() => rig.close());
  const codeOf = async (response: Response) => {
    const { code } = (await response.json()) as { code: string };
    return `${response.status} ${code}`;
  };

  it("never offers or takes anything over plain HTTP", async () => {
    const url = await rig.serve(
      (_, response) => response.end("sunny"),
      {},
      { allowLoopback: false },
    );
    expect(await codeOf(await fetch(url))).to.equal("403 PAYMENT_NEEDS_TLS");
    const response = await paying(url, "e30=");
    expect(response.headers.get("payment-required")).to.equal(null);
    expect(await codeOf(response)).to.equal("403 PAYMENT_NEEDS_TLS");
  });

  it("does behind a proxy that says https; a client that says so itself is not believed", async () => {
    const serve = (trustedProxies: ReturnType<typeof parseCidr>[]) =>
      rig.serve(
        (_, response) => response.end("sunny"),
        {},
        { allowLoopback: false },
        { trustedProxies: trustedProxies.filter((each) => each !== undefined) },
      );
    const headers = { "x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https" };
    const behind = await serve([parseCidr("127.0.0.1/32")]);
    const response = await fetch(`${behind}/a?b=1`, { headers });
    expect(response.status).to.equal(402);
    expect(new URL(offered(response).resource.url).protocol).to.equal("https:");
    const direct = await fetch(await serve([]), { headers });
    expect(direct.status).to.equal(403);
  });

  it("gives each peer three answers of 1 MiB in an epoch, with any path, so that inspections pass", async () => {
    let epoch = 7;
    const allowance = new FreeAllowance({}, () => epoch);
    const answer = Buffer.alloc(1_048_576, "x");
    const url = await rig.serve(
      (_, response) => {
        runs += 1;
        response.end(answer);
      },
      { allowance },
    );
    for (const path of ["/a", "/b?c=1", "/d"]) {
      const response = await fetch(url + path);
      expect((await response.arrayBuffer()).byteLength).to.equal(answer.length);
      expect(response.headers.get("payment-response")).to.equal(null);
    }
    expect((await fetch(`${url}/e`)).status).to.equal(402);
    expect(runs).to.equal(3);
    epoch += 1;
    expect((await fetch(`${url}/e`)).status).to.equal(200);
    // Who pays does not use it up.
    const { fetch: payingFetch } = tabFetch(fakePayer());
    expect((await payingFetch(`${url}/e`)).status).to.equal(200);
  });

  it("asks for payment before an answer that is larger than the allowance", async () => {
    const allowance = new FreeAllowance({}, () => 7);
    const url = await rig.serve((_, response) => response.end(Buffer.alloc(8_000_000)), {
      allowance,
    });
    const response = await fetch(url);
    expect(response.status).to.equal(402);
    expect(BigInt(offered(response).accepts[0]!.amount)).to.equal(
      8_000_000n * 2n * 10n ** 9n + 10n ** 14n,
    );
  });

  it("keeps a payment's header from the upstream, and an upstream's word on payments from clients", async () => {
    const seen: (string | undefined)[] = [];
    const url = await rig.serve((request, response) => {
      seen.push(request.headers["payment-signature"] as string | undefined);
      response.writeHead(200, { "payment-response": "forged", "content-length": 2 }).end("ok");
    });
    const { fetch: payingFetch } = tabFetch(fakePayer());
    const response = await payingFetch(url);
    expect(seen).to.deep.equal([undefined]);
    expect(response.headers.get("payment-response")).not.to.contain("forged");
  });

  it("sells a WebSocket by the request, and not by bytes, which nobody counts there", async () => {
    const { url: upstream, server } = await rig.gateways.upstream((_, response) => response.end());
    server.on("upgrade", (_, socket) => {
      socket.resume().on("end", () => socket.end());
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      );
    });
    const upgrade = { connection: "upgrade", upgrade: "websocket" };
    const statusOf = async (url: string, header?: string) => {
      const payment = header === undefined ? {} : { "payment-signature": header };
      const port = Number(new URL(url).port);
      const asking = open({ port, headers: { ...upgrade, ...payment } });
      const switched = once(asking, "upgrade").then(([answer, socket]) => {
        (socket as Socket).destroy();
        return answer as IncomingMessage;
      });
      const answered = once(asking, "response").then(([answer]) => answer as IncomingMessage);
      asking.end();
      const { statusCode, headers } = await Promise.race([switched, answered]);
      return [statusCode, headers["payment-response"] !== undefined];
    };
    for (const [price, expected] of [
      ["0.0001/request", [101, true]],
      ["0.0001/request|0.002/MB", [402, true]],
    ] as const) {
      rig.collector.price = parsePrice(price);
      const url = await rig.serveBefore(upstream, {}, { price: parsePrice(price) });
      expect(await statusOf(url)).to.deep.equal([402, false]);
      const [accepted] = offered(await fetch(url)).accepts;
      const tab = await fakePayer().tabFor(rig.collector.quote());
      const { authorization, signature, salt } = tab;
      const payload = encodeTabPayment({
        opening: { authorization, signature, salt },
        voucher: await tab.pay(BigInt(accepted!.amount)),
        requestId: `0x${"e9".repeat(32)}`,
      });
      const header = encodeField({ x402Version: 2, accepted, payload });
      expect(await statusOf(url, header), price).to.deep.equal(expected);
      if (expected[0] !== 101) continue;
      // A tunnel is sold once. It is pending until the gateway has noticed that it is closed.
      let again = await statusOf(url, header);
      while (again[0] === 503) again = await statusOf(url, header);
      expect(again[0]).to.equal(409);
    }
  });

  it("asks nothing over HTTP for a flow that its session pays, and offers to one that does not", async () => {
    const { url } = await rig.gateways.upstream((_, response) => response.end("sunny"));
    const payments = rig.payments({}, { allowLoopback: false });
    const gateway = await rig.gateways.gateway(url, {}, { payments });
    for (const [answer, status] of [
      ["charged", 200],
      ["unpaid", 402],
    ] as const) {
      const events: string[] = [];
      const over = Promise.withResolvers<undefined>();
      const server = createServer((socket) => {
        setPayment(socket, {
          request: () => {
            events.push("request");
            return Promise.resolve(answer);
          },
          waive: () => {
            events.push("waived");
            return () => {
              over.resolve(undefined);
            };
          },
        });
        gateway.serveFlow(socket);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      try {
        const { port } = server.address() as AddressInfo;
        const response = await ask({ port });
        expect(response.status).to.equal(status);
        expect(events).to.deep.equal(answer === "charged" ? ["request"] : ["request", "waived"]);
        if (answer === "unpaid") await over.promise;
      } finally {
        server.close();
      }
    }
  });
});
