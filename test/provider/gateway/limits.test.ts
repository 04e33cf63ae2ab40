import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { ask, open, whole } from "../../support/httpClient.ts";
import { fault, ProviderRig, WITH_NONCE } from "../../support/providerRig.ts";

describe("Gateway: limits", () => {
  const rig = new ProviderRig();
  afterEach(() => rig.close());

  it("invites a body with 100 (Continue), nonce or not", async () => {
    const port = await rig.serve((request, response) => {
      expect(request.headers).not.to.have.property("expect");
      request.pipe(response);
    });
    for (const headers of [{}, WITH_NONCE]) {
      const asking = open({
        port,
        method: "POST",
        headers: { Expect: "100-continue", "Content-Length": "4", ...headers },
      });
      await once(asking, "continue");
      asking.end("body");
      const [message] = await once(asking, "response");
      const answer = await whole(message);
      expect(answer.body.toString()).to.equal("body");
      if (headers === WITH_NONCE) {
        const asked = { method: "POST", body: Buffer.from("body") };
        expect(fault(answer.trailers["service-receipt"], asked, answer)).to.equal(undefined);
      }
    }
  });

  it("refuses a body above its limit without 100 (Continue)", async () => {
    const port = await rig.serve(() => {}, { maxRequestBytes: 3 });
    const asking = open({
      port,
      method: "POST",
      headers: { Expect: "100-continue", "Content-Length": "4" },
    });
    let invited = false;
    asking.on("continue", () => (invited = true));
    asking.flushHeaders();
    const [message] = await once(asking, "response");
    const answer = await whole(message);
    asking.destroy();
    expect(answer.status).to.equal(413);
    expect(invited).to.equal(false);
  });

  it("refuses bodies over the limit, announced or not, and tells the client so", async () => {
    let finished = 0;
    const port = await rig.serve(
      (request, response) => {
        request.on("end", () => finished++).resume();
        request.on("error", () => {});
        response.on("error", () => {});
      },
      { maxRequestBytes: 100_000 },
    );
    // Far more than sockets buffer: the client is still sending when it is refused.
    const body = randomBytes(16 * 1024 * 1024);
    const framings = [{ "Content-Length": `${body.length}` }, { "Transfer-Encoding": "chunked" }];
    for (const framing of framings) {
      const headers = { ...WITH_NONCE, ...framing };
      const answer = await ask({ port, method: "POST", body, headers });
      expect(answer.status).to.equal(413);
      expect(JSON.parse(answer.body.toString()).code).to.equal("BODY_TOO_LARGE");
      expect(answer.headers).not.to.have.property("service-receipt");
      expect(answer.headers.connection).to.equal("close");
    }
    expect(finished).to.equal(0);

    const least = randomBytes(100_001);
    const over = await ask({
      port,
      method: "POST",
      body: least,
      headers: { "Transfer-Encoding": "chunked" },
    });
    expect(over.status).to.equal(413);
  });

  it("answers 503 rather than hold more buffered answers than it may", async () => {
    const waiting: (() => void)[] = [];
    let both = () => {};
    const arrived = new Promise<void>((resolve) => (both = resolve));
    const port = await rig.serve(
      (request, response) => {
        response.setHeader("Content-Length", 600);
        if (request.url === "/third") return void response.end("x".repeat(600));
        response.flushHeaders();
        waiting.push(() => response.end("x".repeat(600)));
        both();
      },
      { maxBufferedTotalBytes: 1000 },
    );
    const first = ask({ port, headers: WITH_NONCE });
    await arrived;
    const refused = await ask({ port, path: "/third", headers: WITH_NONCE });
    expect(refused.status).to.equal(503);
    expect(refused.headers["retry-after"]).to.equal("1");
    expect(refused.headers).not.to.have.property("service-receipt");
    for (const finish of waiting) finish();
    const answer = await first;
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
    const again = await ask({ port, path: "/third", headers: WITH_NONCE });
    expect(again.status).to.equal(200);
  });
});
