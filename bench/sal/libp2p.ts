import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p, type Libp2p } from "libp2p";

/** The benchmark's protocol over libp2p. */
export const PROTOCOL = "/blockcloud-bench/1";
/** Streams at a time on one connection. */
export const MAX_STREAMS = 64;
/** A window that does not limit a transfer over loopback. */
const WINDOW = 16 * 1024 * 1024;

/** A node of libp2p over TCP, Noise and Yamux. */
export function createNode(listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({ streamOptions: { initialStreamWindowSize: WINDOW, maxStreamWindowSize: WINDOW } }),
    ],
  });
}
