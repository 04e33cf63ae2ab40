import { frontFlags } from "../framework/frontFlags.ts";

/** Limits of the faucet's HTTP server, and the proxies in front of it. */
export const faucetFrontFlags = frontFlags("faucet", {
  connections: "512",
  peerConnections: "16",
  keepAlive: "10s",
});
