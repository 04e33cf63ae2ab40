import { expect } from "chai";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseCidr } from "../../../src/net/cidr.ts";
import type { GatewayOptions } from "../../../src/provider/gateway/options.ts";
import { ask, head } from "../../support/httpClient.ts";
import { fault, ProviderRig, WITH_NONCE } from "../../support/providerRig.ts";

/** The address of the proxy that the gateway trusts; others on loopback are strangers. */
const PROXY = "127.0.0.2";
const TRUSTED = { trustedProxies: [parseCidr(`${PROXY}/32`) ?? expect.fail("a range")] };

describe("Gateway: behind proxies", () => {
  const rig = new ProviderRig();
  let seen: IncomingMessage | undefined;
  let answer: (response: ServerResponse) => void;
  afterEach(() => rig.close());

  async function serve(options: Partial<GatewayOptions> = TRUSTED): Promise<number> {
    answer = (response) => response.setHeader("Content-Length", 2).end("ok");
    return rig.serve((request, response) => {
      seen = request;
      answer(response);
    }, options);
  }

  it("tells the upstream the client, the scheme and the host that a trusted proxy names", async () => {
    const port = await serve();
    const headers = {
      Host: "127.0.0.1",
      "X-Forwarded-For": "192.0.2.66, 198.51.100.1",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "weather.example",
    };
    await ask({ port, headers, from: PROXY });
    expect(seen?.headers).to.include({
      "x-forwarded-for": `198.51.100.1, ${PROXY}`,
      "x-forwarded-proto": "https",
      "x-forwarded-host": "weather.example",
    });
    const forwarded = "for=198.51.100.1;proto=https;host=weather.example";
    await ask({ port, headers: { Host: "127.0.0.1", Forwarded: forwarded }, from: PROXY });
    expect(seen?.headers).to.include({
      "x-forwarded-for": `198.51.100.1, ${PROXY}`,
      "x-forwarded-proto": "https",
      "x-forwarded-host": "weather.example",
    });
    expect(seen?.headers).not.to.have.property("forwarded");
  });

  it("removes from a stranger's request what only a proxy may say, however it is spelt", async () => {
    const port = await serve();
    const claims = [
      ...["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"],
      ...["X-Forwarded-Ssl", "X-Forwarded-Prefix", "X-Forwarded-Anything", "Forwarded"],
      ...["X-Real-IP", "True-Client-IP", "Client-IP", "X-Client-IP", "X-Cluster-Client-IP"],
      ...["CF-Connecting-IP", "Fastly-Client-IP", "X-Original-URL", "X-Rewrite-URL", "X-Host"],
      ...["X_Forwarded_For", "x_real_ip", "X.Forwarded.Proto", "True_Client-IP", "Remote_Addr"],
      ...["Content_Length", "Transfer_Encoding", "Service_Nonce", "Proxy", "PROXY_Authorization"],
    ];
    const headers = {
      Host: "weather.bloc.alt",
      ...Object.fromEntries(claims.map((name) => [name, "https"])),
      ...{ X_Kept: "1", "X-Forward": "2" },
    };
    for (const from of [undefined, PROXY]) {
      // What the proxy vouches for is read; here it vouches for nothing that could be an address.
      await ask({ port, headers, ...(from !== undefined && { from }) });
      const names = (seen?.rawHeaders ?? []).filter((_, at) => at % 2 === 0);
      expect(names.sort()).to.deep.equal(
        [
          ...["Connection", "Host", "Via", "X-Forward", "X_Kept"],
          ...["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"],
        ].sort(),
      );
      expect(seen?.headers["x-forwarded-for"]).to.equal(from ?? "127.0.0.1");
    }
    await ask({ port, headers });
    expect(seen?.headers).to.include({
      ...{ "x-forwarded-host": "weather.bloc.alt", "x-forwarded-proto": "http" },
    });
  });

  it("limits the receipts of each client of a proxy, not those of the proxy", async () => {
    const port = await serve({ ...TRUSTED, receiptsPerSecond: 1, receiptBurst: 1 });
    const from = (client: string) => ({ ...WITH_NONCE, "X-Forwarded-For": client });
    const status = async (client: string, by: string) =>
      (await ask({ port, headers: from(client), from: by })).status;
    expect(await status("198.51.100.1", PROXY)).to.equal(200);
    expect(await status("198.51.100.1", PROXY)).to.equal(429);
    expect(await status("198.51.100.2", PROXY)).to.equal(200);
    // A stranger is counted by its own address, whatever it claims.
    expect(await status("198.51.100.3", "127.0.0.9")).to.equal(200);
    expect(await status("198.51.100.4", "127.0.0.9")).to.equal(429);
  });

  it("limits the concurrent requests of each client of a proxy", async () => {
    const port = await serve({ ...TRUSTED, maxConnectionsPerPeer: 2 });
    const waiting: ServerResponse[] = [];
    answer = (response) => {
      waiting.push(response);
      response.flushHeaders();
    };
    const open = (client: string) =>
      head({ port, headers: { "X-Forwarded-For": client }, from: PROXY });
    const held = [await open("198.51.100.1"), await open("198.51.100.1")];
    const refused = await open("198.51.100.1");
    expect(refused.statusCode).to.equal(429);
    expect((await open("198.51.100.2")).statusCode).to.equal(200);
    const [first] = held;
    const ended = once(first?.resume() ?? expect.fail("held"), "end");
    waiting[0]?.end();
    await ended;
    expect((await open("198.51.100.1")).statusCode).to.equal(200);
  });

  it("sends a redirect to the upstream's own host as a path", async () => {
    const { url } = await rig.upstream((request, response) => {
      const { location, refresh } = JSON.parse(
        decodeURIComponent((request.url ?? "").slice(1)),
      ) as Record<string, string>;
      const fields = { Location: location, "Content-Location": location, Refresh: refresh };
      response.writeHead(302, { ...fields, "Content-Length": 0 }).end();
    });
    const { port } = (await rig.gateway(url)).address;
    for (const [location, rewritten] of [
      [`http://${url.host}/a?b#c`, "/a?b#c"],
      [`https://${url.host}/a`, "/a"],
      [`HTTP://${url.host}`, "/"],
      [`http://${url.host}?q`, "/?q"],
      [`//${url.host}/a`, "/a"],
      [`http://${url.host}//evil.example`, "/.//evil.example"],
      [`http://${url.host}/\\evil.example`, "/./\\evil.example"],
      [`http://user@${url.host}/a`, "/a"],
      ["https://other.example/a", "https://other.example/a"],
      [`http://${url.host}.example/a`, `http://${url.host}.example/a`],
      ["/relative", "/relative"],
      ["relative", "relative"],
    ] as const) {
      const path = `/${encodeURIComponent(JSON.stringify({ location, refresh: `5; url=${location}` }))}`;
      const { headers, status } = await ask({ port, path, headers: WITH_NONCE });
      expect(status).to.equal(302);
      expect(headers.location, location).to.equal(rewritten);
      expect(headers["content-location"], location).to.equal(rewritten);
      expect(headers.refresh, location).to.equal(`5; url=${rewritten}`);
    }
  });

  it("signs what a client of a proxy asked for", async () => {
    const port = await serve();
    const headers = { ...WITH_NONCE, "X-Forwarded-For": "198.51.100.1" };
    const answered = await ask({ port, path: "/x?y", headers, from: PROXY });
    const receipt = answered.headers["service-receipt"];
    expect(fault(receipt, { path: "/x?y" }, answered)).to.equal(undefined);
  });
});
