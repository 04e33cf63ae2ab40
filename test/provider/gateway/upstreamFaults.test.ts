import { expect } from "chai";
import { once } from "node:events";
import { Agent } from "node:http";
import { ask, failureOf, head, open, sendRaw, whole } from "../../support/httpClient.ts";
import { fault, ProviderRig, WITH_NONCE } from "../../support/providerRig.ts";
import { ScriptedUpstream, type Step } from "../../support/scriptedUpstream.ts";
import { settled } from "../../support/settled.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe("Gateway: an upstream that fails after the head, or breaks HTTP", () => {
  const rig = new ProviderRig();
  const upstreams: ScriptedUpstream[] = [];
  afterEach(async () => {
    await rig.close();
    for (const upstream of upstreams.splice(0)) await upstream.close();
  });

  async function scripted(script: Parameters<typeof ScriptedUpstream.start>[0]) {
    const upstream = await ScriptedUpstream.start(script);
    upstreams.push(upstream);
    return { upstream, port: (await rig.gateway(upstream.url)).address.port };
  }

  it("breaks the client's connection, and signs nothing, when the upstream resets a body", async () => {
    for (const framing of [
      { head: "Connection: close", part: "some bytes" },
      { head: "Transfer-Encoding: chunked", part: "a\r\nsome bytes\r\n" },
      { head: "Content-Length: 9999999", part: "some bytes" },
      { head: "Content-Type: text/event-stream", part: "data: 1\n\n" },
    ]) {
      for (const headers of [{}, WITH_NONCE]) {
        const read = Promise.withResolvers<undefined>();
        const { port } = await scripted([
          "request",
          { send: `HTTP/1.1 200 OK\r\n${framing.head}\r\n\r\n${framing.part}` },
          { wait: read.promise },
          "reset",
        ]);
        const message = await head({ port, headers });
        await once(message, "readable");
        read.resolve(undefined);
        expect((await failureOf(whole(message))).code, framing.head).to.equal("ECONNRESET");
        expect(message.complete, framing.head).to.equal(false);
        expect(message.trailers, framing.head).to.deep.equal({});
      }
    }
    expect(rig.log.join()).not.to.contain('"level":"error"');
  });

  it("gives the request up at once when the client leaves in the middle of a body", async () => {
    for (const headers of [{}, WITH_NONCE]) {
      const given = Promise.withResolvers<string>();
      rig.observer = {
        ...{ finished() {}, receipt() {}, connectionRefused() {} },
        problem: given.resolve,
      };
      const send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n";
      const { upstream, port } = await scripted(["request", { send }]);
      const message = await head({ port, headers });
      await once(message, "readable");
      message.on("error", () => {});
      // An end of its half alone could mean that it still reads.
      message.socket.resetAndDestroy();
      expect(await given.promise).to.equal("CLIENT_GONE");
      expect(await settled(() => upstream.open)).to.equal(0);
    }
    rig.observer = undefined;
  });

  it("gives no complete answer when head, body and reset arrive together", async () => {
    const said = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsome bytes";
    for (const headers of [{}, WITH_NONCE]) {
      const { port } = await scripted(["request", { send: said }, "reset"]);
      const outcome = await ask({ port, headers }).catch((error: unknown) => error);
      // The reset may overtake the head: then the gateway answers by itself.
      if (outcome instanceof Error) continue;
      expect(outcome).to.have.property("status", 502);
    }
  });

  it("passes on no interim response, and signs the final one", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    const { port } = await scripted([
      "request",
      { send: `${hints}HTTP/1.1 102 Later\r\n\r\n${OK}` },
    ]);
    const asking = open({ port, headers: WITH_NONCE });
    const interim: unknown[] = [];
    asking.on("information", ({ statusCode }) => interim.push(statusCode));
    asking.end();
    const [message] = await once(asking, "response");
    const answer = await whole(message);
    expect(interim).to.deep.equal([]);
    expect(answer.headers).not.to.have.property("link");
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
  });

  it("serves a response up to its length, and does not use the connection again", async () => {
    for (const [said, status, body] of [
      ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA", 200, "ok"],
      [`${OK}${OK.replace("ok", "no")}`, 200, "ok"],
      ["HTTP/1.1 204 No Content\r\n\r\nEXTRA", 204, ""],
      ["HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nEXTRA", 304, ""],
      [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nEXTRA",
        ...([200, "ok"] as const),
      ],
    ] as const) {
      const { upstream, port } = await scripted(["request", { send: said }]);
      const agent = new Agent({ keepAlive: true });
      for (const headers of [WITH_NONCE, {}, WITH_NONCE]) {
        const answer = await ask({ port, headers, agent });
        expect(answer.status, said).to.equal(status);
        expect(answer.body.toString(), said).to.equal(body);
        if (headers === WITH_NONCE) {
          const receipt = answer.headers["service-receipt"] ?? answer.trailers["service-receipt"];
          expect(fault(receipt, {}, answer), said).to.equal(undefined);
        }
      }
      agent.destroy();
      expect(upstream.connections.length, said).to.equal(3);
      expect(await settled(() => upstream.open), said).to.equal(0);
    }
  });

  it("does not take bytes that arrive on an idle connection for the next response", async () => {
    const first = Promise.withResolvers<undefined>();
    const poison: Step[] = ["request", { send: OK }, { wait: first.promise }];
    poison.push({ send: OK.replace("ok", "no") }, "request", { send: OK.replace("ok", "no") });
    const { upstream, port } = await scripted((connection) =>
      connection === 0 ? poison : ["request", { send: OK }],
    );
    expect((await ask({ port })).body.toString()).to.equal("ok");
    first.resolve(undefined);
    expect(await settled(() => upstream.open)).to.equal(0);
    expect((await ask({ port, headers: WITH_NONCE })).body.toString()).to.equal("ok");
    expect(upstream.connections.length).to.equal(2);
  });

  it("answers 502 with a receipt to a head that cannot be passed on", async () => {
    const body = "Content-Length: 2\r\n\r\nok";
    for (const said of [
      `HTTP/1.1 200 O\x01K\r\n${body}`,
      `HTTP/1.1 200 O\x7fK\r\n${body}`,
      `HTTP/1.1 099 Early\r\n${body}`,
      `HTTP/1.1 000 None\r\n${body}`,
      `HTTP/1.1 20 OK\r\n${body}`,
      `HTTP/2.0 200 OK\r\n${body}`,
      `HTTP/0.9 200 OK\r\n${body}`,
      `HTTP/1.1 200 OK\r\nX: a\x01b\r\n${body}`,
      `HTTP/1.1 200 OK\r\nX : a\r\n${body}`,
      `HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n${body}`,
      `HTTP/1.1 200 OK\r\nX: a\n${body}`,
      `HTTP/1.1 200 OK\nX: a\n${body}`,
      `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${body}`,
      `HTTP/1.1 200 OK\r\nContent-Length: 3\r\n${body}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${body}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      `HTTP/1.0 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${body}`,
      `HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\n${body}`,
      `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}\r\n${body}`,
    ]) {
      const { upstream, port } = await scripted(["request", { send: said }]);
      for (const headers of [{}, WITH_NONCE]) {
        const message = await head({ port, headers });
        expect(message.statusMessage, said).to.equal("Bad Gateway");
        const answer = await whole(message);
        expect(answer.status, said).to.equal(502);
        expect(JSON.parse(answer.body.toString()).code, said).to.equal("UPSTREAM_FAILED");
        if (headers !== WITH_NONCE) continue;
        expect(fault(answer.headers["service-receipt"], {}, answer), said).to.equal(undefined);
      }
      expect(await settled(() => upstream.open), said).to.equal(0);
    }
    expect(rig.log.join()).not.to.contain('"level":"error"');
  });

  it("passes on all fields of a head, however many there are", async () => {
    const fields = Array.from({ length: 1_500 }, (_unused, n) => `a${n}:b\r\n`).join("");
    const said = `HTTP/1.1 200 OK\r\n${fields}X-Last: 1\r\nContent-Length: 2\r\n\r\nok`;
    const { port } = await scripted(["request", { send: said }, "close"]);
    // By hand: the client of these tests drops fields after the first thousand, too.
    const got = await sendRaw(port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(got.match(/^a\d+: b\r$/gm)).to.have.length(1_500);
    expect(got)
      .to.match(/^X-Last: 1\r$/m)
      .and.to.match(/^Content-Length: 2\r$/m);
  });

  it("passes on what is only unusual: no reason phrase, Latin-1 in it, an unknown status", async () => {
    for (const [line, status, reason] of [
      ["HTTP/1.1 200", 200, ""],
      ["HTTP/1.1 200 Ça va", 200, "Ça va"],
      ["HTTP/1.1 799 Odd", 799, "Odd"],
      ["HTTP/1.0 200 OK", 200, "OK"],
      ["HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK", 200, "OK"],
    ] as const) {
      const said = `${line}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`;
      const { port } = await scripted(["request", { send: said }, "close"]);
      const message = await head({ port, headers: WITH_NONCE });
      expect(message.statusMessage, line).to.equal(reason);
      const answer = await whole(message);
      expect(answer.status, line).to.equal(status);
      expect(fault(answer.headers["service-receipt"], {}, answer), line).to.equal(undefined);
    }
  });
});
