import { frontFlags } from "../framework/frontFlags.ts";

/** Limits of the index's HTTP server, and the proxies in front of it. */
export const indexerFrontFlags = frontFlags("indexer", {
  connections: "500",
  peerConnections: "64",
  keepAlive: "1m",
});
