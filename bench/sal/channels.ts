import { multiaddr } from "@multiformats/multiaddr";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { SalClient } from "../../src/sal/client/salClient.ts";
import { requestOf } from "./feed.ts";
import { createNode, MAX_STREAMS, PROTOCOL } from "./libp2p.ts";
import { clientDependencies, FEED_PORT, fixedLocator, locatedAt } from "./service.ts";

/** A stream from a source to the client. */
export interface Channel {
  /** Asks for bytes; each chunk is passed on as it comes. */
  ask(bytes: number, take: (chunk: Uint8Array) => void): void;
  /** Resolves when the source's end has come. */
  readonly ended: Promise<unknown>;
}

/** Opens streams to one server. */
export type Opener = () => Promise<Channel>;

/** The ways to a source that the client knows. */
export const openers: Record<string, (at: string) => Promise<Opener>> = {
  sal: (port) => {
    const locator = fixedLocator(locatedAt([Number(port)]));
    const client = new SalClient({}, clientDependencies(locator));
    return Promise.resolve(async () => channelOf(await client.connect("bench", FEED_PORT)));
  },
  tls: (port) =>
    Promise.resolve(async () => {
      const options = { host: "127.0.0.1", port: Number(port), rejectUnauthorized: false };
      const socket = connectTls({ ...options, minVersion: "TLSv1.3" });
      await once(socket, "secureConnect");
      return channelOf(socket);
    }),
  tcp: (port) =>
    Promise.resolve(async () => {
      const socket = connectTcp({ host: "127.0.0.1", port: Number(port), noDelay: true });
      await once(socket, "connect");
      return channelOf(socket);
    }),
  connect: (port) =>
    Promise.resolve(async () => {
      const socket = connectTcp({ host: "127.0.0.1", port: Number(port), noDelay: true });
      const host = `bench.bloc.alt:${FEED_PORT}`;
      socket.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      // The source says nothing before it is asked, so the head comes alone.
      const [head] = (await once(socket, "data")) as [Buffer];
      if (!head.toString("latin1").startsWith("HTTP/1.1 200 ")) {
        throw new Error(`The proxy refuses: ${head.toString("latin1", 0, 200)}`);
      }
      return channelOf(socket);
    }),
  http2: async (port) => {
    const window = 16 * 1024 * 1024;
    const session = connectHttp2(`https://127.0.0.1:${port}`, {
      rejectUnauthorized: false,
      settings: { initialWindowSize: window },
    });
    await once(session, "connect");
    session.setLocalWindowSize(window);
    return async () => {
      const stream = session.request({ ":method": "POST", ":path": "/" });
      await once(stream, "response");
      return channelOf(stream);
    };
  },
  libp2p: async (address) => {
    const node = await createNode([]);
    const connection = await node.dial(multiaddr(address));
    return async () => {
      const options = { maxOutboundStreams: MAX_STREAMS };
      const stream = await connection.newStream(PROTOCOL, options);
      const { promise, resolve } = Promise.withResolvers<unknown>();
      stream.addEventListener("remoteCloseWrite", resolve, { once: true });
      return {
        ended: promise.then(() => stream.close()),
        ask: (bytes, take) => {
          stream.addEventListener("message", ({ data }) => {
            if (data instanceof Uint8Array) take(data);
            else for (const part of data) take(part);
          });
          stream.send(requestOf(bytes));
        },
      };
    };
  },
};

function channelOf(stream: Duplex): Channel {
  const ended = once(stream, "end").then(() => stream.end());
  // A stream that fails before rejects `ask`'s caller, too: it waits for this.
  ended.catch(() => {});
  return {
    ended,
    ask: (bytes, take) => {
      stream.on("data", take);
      stream.write(requestOf(bytes));
    },
  };
}
