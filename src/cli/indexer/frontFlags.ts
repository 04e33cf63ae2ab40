import { publicFrontFlags } from "../framework/frontFlags.ts";

/** Limits of the index's HTTP server, and the proxies in front of it. */
export const indexerFrontFlags = publicFrontFlags("indexer", {
  connections: "500",
  peerConnections: "64",
  keepAlive: "1m",
  unread: "256",
  peerUnread: "64",
});
