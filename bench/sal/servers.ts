import { once } from "node:events";
import { createSecureServer } from "node:http2";
import { createServer as createTcp, type AddressInfo, type Server } from "node:net";
import { createServer as createTls } from "node:tls";
import type { Duplex } from "node:stream";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import { serve } from "../resolve/worker.ts";
import { feed, feedMessages } from "./feed.ts";
import { createNode, MAX_STREAMS, PROTOCOL } from "./libp2p.ts";
import { cpu } from "./processCpu.ts";
import { memory } from "./processMemory.ts";
import { createProvider, ECHO_PORT, FEED_PORT } from "./service.ts";

/** The servers of the benchmark, in one process: only one is used at a time. */
serve({ sal, tls, tcp, http2, libp2p, memory, cpu });

/** HTTP/2's windows: as large as the SAL's largest. */
const HTTP2_WINDOW = 16 * 1024 * 1024;

async function sal(): Promise<number> {
  const { acceptor } = createProvider(
    new Map([
      [FEED_PORT, feed],
      [ECHO_PORT, echo],
    ]),
  );
  return listening(
    createTcp((socket) => {
      acceptor.accept(socket);
    }),
  );
}

/** Bare TLS 1.3 as the SAL uses it: the same kind of certificate, no tickets; `echo` answers each byte. */
async function tls(kind: "feed" | "echo"): Promise<number> {
  const server = createTls({
    ...createCertificate(Date.now()),
    ...{ minVersion: "TLSv1.3", allowHalfOpen: true, noDelay: true },
  });
  server.on("secureConnection", kind === "feed" ? feed : echo);
  return listening(server);
}

async function tcp(kind: "feed" | "echo"): Promise<number> {
  const handle = kind === "feed" ? feed : echo;
  return listening(createTcp({ allowHalfOpen: true, noDelay: true }, handle));
}

async function http2(): Promise<number> {
  const server = createSecureServer({
    ...createCertificate(Date.now()),
    settings: { initialWindowSize: HTTP2_WINDOW, maxConcurrentStreams: 1000 },
  });
  server.on("session", (session) => {
    session.setLocalWindowSize(HTTP2_WINDOW);
  });
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    feed(stream);
  });
  return listening(server);
}

/** Returns the node's address. */
async function libp2p(): Promise<string> {
  const node = await createNode(["/ip4/127.0.0.1/tcp/0"]);
  await node.handle(PROTOCOL, feedMessages, { maxInboundStreams: MAX_STREAMS });
  return String(node.getMultiaddrs()[0]);
}

/** Sends back what comes; without closures, as an idle flow's memory is measured with it. */
function echo(stream: Duplex): void {
  stream.on("data", answer).on("end", end).on("error", closed);
}

function answer(this: Duplex, chunk: Buffer): void {
  this.write(chunk);
}

function end(this: Duplex): void {
  this.end();
}

function closed(): void {
  // The client closed.
}

async function listening(server: Server | ReturnType<typeof createSecureServer>): Promise<number> {
  server.listen(0, "127.0.0.1", 4096);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
