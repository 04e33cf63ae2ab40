import type { Socket } from "node:net";

/** Joins two connections until either ends; an error on one side ends the other, too. */
export function tunnel(client: Socket, upstream: Socket): void {
  // Silence is normal in a tunnel, so HTTP's time limits are removed; keep-alive probes detect dead peers.
  client.setTimeout(0);
  upstream.setTimeout(0);
  upstream.setKeepAlive(true, 60_000);
  join(client, upstream);
  join(upstream, client);
}

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on("error", () => to.destroy());
  from.on("close", () => {
    to.destroySoon();
  });
}
