import { expect } from "chai";
import { once } from "node:events";
import { createServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { netRequest } from "../../src/net/request.ts";
import { makeCertificate } from "../support/certificates.ts";
import { ProviderRig } from "../support/providerRig.ts";
import { rejection } from "../support/rejection.ts";

describe("netRequest: TLS", () => {
  const rig = new ProviderRig();
  const authority = makeCertificate({ name: "an authority" });
  const trusted = getCACertificates("default");
  const closing: (() => void)[] = [];

  before(() => {
    setDefaultCACertificates([...trusted, authority.cert]);
  });
  after(() => {
    setDefaultCACertificates(trusted);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) close();
    await rig.close();
  });

  /** A request for service.example, which is said to be on loopback. */
  function get(port: string | number, timeMs = 30_000) {
    return netRequest(
      {
        method: "GET",
        url: new URL(`https://service.example:${port}/`),
        headers: {},
        body: new Uint8Array(),
      },
      { timeMs, maxBytes: 1_000, allowLoopback: true },
      new AbortController().signal,
      async () => [{ address: "127.0.0.1", family: 4 }],
    );
  }

  let reached: number;
  async function serve(options: ServerOptions): Promise<number> {
    reached = 0;
    const server = createServer(options, (_, response) => {
      reached += 1;
      response.end("secure");
    });
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => {
      server.close();
      server.closeAllConnections();
    });
    return (server.address() as AddressInfo).port;
  }

  const good = { name: "service.example", hosts: ["service.example"], issuer: authority };

  it("reads the answer of a server that an authority vouches for", async () => {
    expect((await get(await serve(makeCertificate(good)))).body.toString()).to.equal("secure");
  });

  const bad: [string, ServerOptions, RegExp][] = [
    [
      "signed its certificate itself",
      makeCertificate({ name: "service.example", hosts: ["service.example"] }),
      /self-signed/,
    ],
    [
      "is vouched for by an unknown authority",
      makeCertificate({ ...good, issuer: makeCertificate({ name: "another authority" }) }),
      /unable to/,
    ],
    [
      "has a certificate that ran out",
      makeCertificate({ ...good, notAfter: "210101000000Z" }),
      /expired/,
    ],
    [
      "has a certificate of the future",
      makeCertificate({ ...good, notBefore: "480101000000Z" }),
      /not yet valid/,
    ],
    ["has another name", makeCertificate({ ...good, hosts: ["evil.example"] }), /altnames/],
    [
      "has the name of a neighbour",
      makeCertificate({ ...good, hosts: ["service.example.evil.example", "example"] }),
      /altnames/,
    ],
    [
      "speaks an old version only",
      {
        ...makeCertificate(good),
        maxVersion: "TLSv1.1",
        minVersion: "TLSv1",
        ciphers: "ALL:@SECLEVEL=0",
      },
      /./,
    ],
  ];
  for (const [what, options, reason] of bad) {
    it(`refuses a server that ${what}, and asks it nothing`, async () => {
      const error = await rejection("NET_TLS", get(await serve(options)));
      expect(error.message).to.match(reason);
      expect(reached).to.equal(0);
    });
  }

  it("is not talked out of it by the environment", async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      const port = await serve(
        makeCertificate({ name: "service.example", hosts: ["service.example"] }),
      );
      await rejection("NET_TLS", get(port));
      expect(reached).to.equal(0);
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });

  it("fails where the other side speaks no TLS, or hangs up in the middle of it", async () => {
    const plain = await rig.rawUpstream((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    });
    await rejection("NET_TLS", get(plain.port));
    const rude = await rig.rawUpstream((socket) => {
      socket.once("data", () => socket.destroy());
    });
    await rejection("NET_TLS", get(rude.port));
  });

  it("gives up on a handshake that goes nowhere", async () => {
    const silent = await rig.rawUpstream(() => undefined);
    await rejection("NET_TIMEOUT", get(silent.port, 30));
  });
});
