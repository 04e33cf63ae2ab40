import { publicFrontFlags } from "../framework/frontFlags.ts";

/** Limits of the faucet's HTTP server, and the proxies in front of it. */
export const faucetFrontFlags = publicFrontFlags("faucet", {
  connections: "512",
  peerConnections: "16",
  keepAlive: "10s",
  unread: "8",
  peerUnread: "1",
});
