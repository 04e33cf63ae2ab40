import { expect } from "chai";
import { once } from "node:events";
import { createHash, randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { Hex } from "viem";
import { decodeReceipt, httpChannel, sha256 } from "../../../src/protocol/receipt.ts";
import { ServiceReceipts } from "../../../src/provider/gateway/serviceReceipts.ts";
import { ask, head, whole } from "../../support/httpClient.ts";
import {
  CHAIN_TIME,
  fault,
  KEY,
  NONCE,
  ProviderRig,
  SERVICE,
  WITH_NONCE,
} from "../../support/providerRig.ts";
import { receiptFault } from "../../support/receiptCheck.ts";

describe("Gateway: receipts", () => {
  const rig = new ProviderRig();
  afterEach(() => rig.close());

  it("signs a short answer in the header, dated by the chain's clock", async () => {
    const port = await rig.serve((_request, response) => {
      response.setHeader("Content-Length", 5).end("hello");
    });
    const path = "/greet?who=%7Eme&x=1";
    const answer = await ask({ port, path, headers: WITH_NONCE });

    expect(answer.body.toString()).to.equal("hello");
    expect(answer.headers["content-length"]).to.equal("5");
    expect(answer.headers.trailer).to.equal(undefined);
    const header = answer.headers["service-receipt"];
    expect(fault(header, { path }, answer)).to.equal(undefined);
    const receipt = decodeReceipt(header as string);
    expect(receipt.issuedAt).to.equal(BigInt(Math.floor(CHAIN_TIME)));
    expect(receipt.serviceId).to.equal(SERVICE.serviceId);
  });

  it("gives no receipt and buffers nothing for a client without a nonce", async () => {
    let upstream: ServerResponse | undefined;
    const port = await rig.serve((_request, response) => {
      upstream = response.setHeader("Content-Length", 10);
      upstream.write("first");
    });
    const message = await head({ port });
    const [first] = await once(message, "data");
    expect(String(first)).to.equal("first");
    upstream?.end("later");
    const answer = await whole(message);
    expect(answer.headers).not.to.have.property("service-receipt");
    expect(answer.trailers).to.deep.equal({});
    expect(answer.headers["content-length"]).to.equal("10");
  });

  it("binds every part of the exchange: changing any one breaks it", async () => {
    const port = await rig.serve((request, response) => {
      request.resume().on("end", () => {
        response.writeHead(201, { "Content-Length": 4 }).end("done");
      });
    });
    const asked = { method: "PUT", path: "/item", body: Buffer.from("value") };
    const answer = await ask({ port, ...asked, headers: WITH_NONCE });
    const receipt = answer.headers["service-receipt"];

    expect(fault(receipt, asked, answer)).to.equal(undefined);
    const other = "another exchange";
    expect(fault(receipt, { ...asked, method: "POST" }, answer)).to.equal(other);
    expect(fault(receipt, { ...asked, path: "/item?" }, answer)).to.equal(other);
    expect(fault(receipt, { ...asked, body: Buffer.from("valuf") }, answer)).to.equal(other);
    expect(fault(receipt, asked, { ...answer, status: 200 })).to.equal(other);
    expect(fault(receipt, asked, { ...answer, body: Buffer.from("Done") })).to.equal(other);
  });

  it("streams an answer of unknown length with the receipt in the trailer", async () => {
    let upstream: ServerResponse | undefined;
    const port = await rig.serve((_request, response) => {
      upstream = response;
      response.write("one ");
    });
    const message = await head({ port, headers: WITH_NONCE });
    expect(message.headers.trailer).to.equal("Service-Receipt");
    expect(message.headers["transfer-encoding"]).to.equal("chunked");
    expect(message.headers).not.to.have.property("service-receipt");
    const [first] = await once(message, "data");
    upstream?.end("two");
    const rest = await whole(message);
    const body = Buffer.concat([first as Buffer, rest.body]);
    expect(body.toString()).to.equal("one two");
    expect(fault(rest.trailers["service-receipt"], {}, { ...rest, body })).to.equal(undefined);
  });

  it("buffers up to the limit and streams from the next byte on", async () => {
    const body = randomBytes(1001);
    const port = await rig.serve(
      (request, response) => {
        const part = body.subarray(0, Number(request.url?.slice(1)));
        response.setHeader("Content-Length", part.length).end(part);
      },
      { maxBufferedBytes: 1000 },
    );
    const atLimit = await ask({ port, path: "/1000", headers: WITH_NONCE });
    expect(atLimit.trailers).to.deep.equal({});
    const header = atLimit.headers["service-receipt"];
    expect(fault(header, { path: "/1000" }, atLimit)).to.equal(undefined);

    const over = await ask({ port, path: "/1001", headers: WITH_NONCE });
    expect(over.headers).not.to.have.any.keys("service-receipt", "content-length");
    expect(over.body.equals(body)).to.equal(true);
    const trailer = over.trailers["service-receipt"];
    expect(fault(trailer, { path: "/1001" }, over)).to.equal(undefined);
  });

  it("streams server-sent events even when their length is told", async () => {
    const events = "data: 1\n\n";
    const port = await rig.serve((_request, response) => {
      response.setHeader("Content-Type", "text/event-stream; charset=utf-8");
      response.setHeader("Content-Length", events.length).end(events);
    });
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(answer.body.toString()).to.equal(events);
    expect(fault(answer.trailers["service-receipt"], {}, answer)).to.equal(undefined);
  });

  it("passes an event on while the stream stays open, past all time limits", async () => {
    let upstream: ServerResponse | undefined;
    const port = await rig.serve(
      (_request, response) => {
        upstream = response.writeHead(200, { "Content-Type": "text/event-stream" });
        upstream.flushHeaders();
      },
      { upstreamTimeoutMs: 1_000, clientTimeoutMs: 1_000 },
    );
    // A plain response that is equally silent is abandoned after this time; it serves as the clock.
    const silent = await rig.serve((_request, response) => void response.write("x"), {
      upstreamTimeoutMs: 2_000,
    });
    for (const headers of [{}, WITH_NONCE]) {
      const message = await head({ port, headers });
      await ask({ port: silent }).catch(() => {});
      upstream?.write("data: a\n\n");
      const [event] = await once(message, "data");
      expect(String(event)).to.equal("data: a\n\n");
      message.destroy();
    }
  });

  it("puts the receipt of a response without a body into the header: HEAD, 204, 304", async () => {
    const port = await rig.serve((request, response) => {
      const status = Number(request.url?.slice(1));
      // A length that would be buffered if there were a body, and one that would not.
      if (status === 200) response.setHeader("Content-Length", 9_999_999);
      if (status === 304) response.setHeader("ETag", '"v1"');
      response.writeHead(status).end();
    });
    for (const [method, status] of [
      ["HEAD", 200],
      ["GET", 204],
      ["GET", 304],
      ["HEAD", 404],
    ] as const) {
      const path = `/${status}`;
      const answer = await ask({ port, method, path, headers: WITH_NONCE });
      expect(answer.status).to.equal(status);
      expect(answer.body.length).to.equal(0);
      expect(answer.headers.trailer).to.equal(undefined);
      const receipt = answer.headers["service-receipt"];
      expect(fault(receipt, { method, path }, answer), `${method} ${status}`).to.equal(undefined);
      if (status === 200) expect(answer.headers["content-length"]).to.equal("9999999");
      if (status === 204) expect(answer.headers).not.to.have.property("content-length");
      if (status === 304) expect(answer.headers.etag).to.equal('"v1"');
    }
  });

  it("signs an empty body of length 0 in the header", async () => {
    const port = await rig.serve((_request, response) => {
      response.setHeader("Content-Length", 0).end();
    });
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
  });

  it("digests a chunked request body that streams upstream", async () => {
    const body = randomBytes(300_000);
    const port = await rig.serve((request, response) => {
      const hash = createHash("sha256");
      request.on("data", (chunk) => hash.update(chunk));
      request.on("end", () => response.end(hash.digest("hex")));
    });
    const asked = { method: "POST", path: "/", body };
    const headers = { ...WITH_NONCE, "Transfer-Encoding": "chunked" };
    const answer = await ask({ port, ...asked, headers });
    expect(answer.body.toString()).to.equal(Buffer.from(sha256(body)).toString("hex"));
    expect(fault(answer.headers["service-receipt"], asked, answer)).to.equal(undefined);
  });

  it("digests the whole request even when the upstream answers before it has read any", async () => {
    const body = randomBytes(5 * 1024 * 1024);
    const url = await rig.rawUpstream((socket) => {
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
      });
    });
    const { port } = (await rig.gateway(url)).address;
    const asked = { method: "POST", path: "/", body };
    const answer = await ask({ port, ...asked, headers: WITH_NONCE });
    expect(answer.status).to.equal(403);
    expect(fault(answer.headers["service-receipt"], asked, answer)).to.equal(undefined);
  });

  it("asks for identity coding, and digests the bytes as sent if another one comes", async () => {
    const packed = gzipSync("packed all the same");
    let asked: unknown;
    const port = await rig.serve((request, response) => {
      asked = request.headers["accept-encoding"];
      response.setHeader("Content-Encoding", "gzip");
      response.setHeader("Content-Length", packed.length).end(packed);
    });
    const coding = { "Accept-Encoding": "gzip, br" };
    const answer = await ask({ port, headers: { ...WITH_NONCE, ...coding } });
    expect(asked).to.equal("identity");
    expect(answer.body.equals(packed)).to.equal(true);
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);

    await ask({ port, headers: coding });
    expect(asked).to.equal("gzip, br");
  });

  it("takes an upper-case nonce as the same bytes", async () => {
    const port = await rig.serve((_request, response) =>
      response.setHeader("Content-Length", 0).end(),
    );
    const upper = `0x${NONCE.slice(2).toUpperCase()}`;
    const answer = await ask({ port, headers: { "Service-Nonce": upper } });
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
  });

  it("refuses a malformed nonce before it asks the upstream", async () => {
    let asked = 0;
    const port = await rig.serve((_request, response) => {
      asked++;
      response.end();
    });
    const bad = [NONCE.slice(2), `${NONCE}00`, `0x${"g".repeat(64)}`, "", ` ${NONCE}, ${NONCE}`];
    for (const nonce of [...bad, [NONCE, NONCE]]) {
      const answer = await ask({ port, headers: { "Service-Nonce": nonce } });
      expect(answer.status, String(nonce)).to.equal(400);
      expect(answer.headers["content-type"]).to.equal("application/problem+json");
      expect(JSON.parse(answer.body.toString())).to.include({
        status: 400,
        code: "NONCE_MALFORMED",
      });
      expect(answer.headers).not.to.have.property("service-receipt");
    }
    expect(asked).to.equal(0);
  });

  it("replaces a receipt that the upstream claims to have, in header and trailer", async () => {
    const port = await rig.serve((_request, response) => {
      response.setHeader("Service-Receipt", "forged").setHeader("Trailer", "Service-Receipt");
      response.write("x");
      response.addTrailers({ "Service-Receipt": "forged" });
      response.end();
    });
    const plain = await ask({ port });
    expect(plain.headers).not.to.have.property("service-receipt");
    expect(plain.trailers).to.deep.equal({});
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(answer.headers).not.to.have.property("service-receipt");
    expect(fault(answer.trailers["service-receipt"], {}, answer)).to.equal(undefined);
  });

  it("keeps concurrent exchanges apart", async () => {
    const port = await rig.serve((request, response) => {
      request.resume().on("end", () => {
        const body = `answer to ${request.url}`;
        if (request.url?.endsWith("0")) response.setHeader("Content-Length", body.length);
        response.end(body);
      });
    });
    const all = Array.from({ length: 60 }, async (_unused, i) => {
      const asked = { method: "POST", path: `/${i}`, body: randomBytes(i * 100) };
      const answer = await ask({ port, ...asked, headers: WITH_NONCE });
      expect(answer.body.toString()).to.equal(`answer to /${i}`);
      const receipt = answer.headers["service-receipt"] ?? answer.trailers["service-receipt"];
      expect(fault(receipt, asked, answer)).to.equal(undefined);
      return httpChannel({
        method: "POST",
        target: asked.path,
        requestDigest: sha256(asked.body),
        status: 200,
        responseDigest: sha256(answer.body),
      });
    });
    expect(new Set(await Promise.all(all)).size).to.equal(60);
  });

  it("answers 500 without a receipt when it cannot sign, and serves on", async () => {
    const port = await rig.serve((_request, response) =>
      response.setHeader("Content-Length", 2).end("ok"),
    );
    const now = rig.now;
    rig.now = () => {
      throw new Error("no block yet");
    };
    const failed = await ask({ port, headers: WITH_NONCE });
    rig.now = now;
    expect(failed.status).to.equal(500);
    expect(failed.headers).not.to.have.property("service-receipt");
    expect(failed.body.toString()).not.to.contain("no block yet");
    expect(rig.log.join()).to.contain("no block yet");
    const answer = await ask({ port, headers: WITH_NONCE });
    expect(fault(answer.headers["service-receipt"], {}, answer)).to.equal(undefined);
  });

  it("signs those of one turn together, none for another's exchange; one that fails fails alone", async () => {
    let signatures = 0;
    const service = new ServiceReceipts({ ...SERVICE, key: KEY }, () => {
      signatures += 1;
      if (signatures % 3 === 0) throw new Error(`no time for the ${signatures}th`);
      return CHAIN_TIME;
    });
    const exchanges = Array.from({ length: 12 }, (_, index) => ({
      ...{ method: "GET", target: `/${index}`, status: 200 },
      requestDigest: sha256(Buffer.from(`asked ${index}`)),
      responseDigest: sha256(Buffer.from(`answered ${index}`)),
    }));
    const nonceOf = (index: number): Hex => `0x${index.toString(16).padStart(64, "0")}`;
    const waiting = exchanges.map((exchange, index) => service.issue(nonceOf(index), exchange));
    expect(signatures).to.equal(0);
    const settled = await Promise.allSettled(waiting);
    expect(signatures).to.equal(12);
    for (const [index, each] of settled.entries()) {
      if ((index + 1) % 3 === 0) {
        expect(each).to.have.nested.property("reason.message", `no time for the ${index + 1}th`);
        continue;
      }
      if (each.status === "rejected") throw each.reason;
      for (const [other, exchange] of exchanges.entries()) {
        const found = receiptFault(each.value, nonceOf(index), exchange, SERVICE);
        expect(found === undefined, `${index} for ${other}`).to.equal(other === index);
      }
      const swapped = receiptFault(each.value, nonceOf(index + 1), exchanges[index]!, SERVICE);
      expect(swapped).not.to.equal(undefined);
    }
  });
});
