import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/**
 * Tells when a client closes its half before the protocol is switched. HTTP no longer reads the connection, and
 * the bytes that may come early are the other protocol's: they stay where they are.
 *
 * @returns Stops looking.
 */
export function onEarlyEnd(client: Socket, ended: () => void): () => void {
  const look = () => {
    // Reading nothing is what makes an empty stream notice its end.
    if (client.readableLength === 0) client.read(0);
  };
  client.on("readable", look);
  client.once("end", ended);
  return () => {
    client.off("readable", look);
    client.off("end", ended);
  };
}

/** Answers an upgrade: from here on the connection speaks another protocol. */
export function writeSwitchingProtocols(
  client: Socket,
  answer: IncomingMessage,
  headers: readonly string[],
): void {
  const lines = [`HTTP/1.1 101 ${answer.statusMessage ?? STATUS_CODES[101]}`];
  lines.push("Connection: Upgrade", `Upgrade: ${answer.headers.upgrade ?? "websocket"}`);
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  client.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** Joins two connections until either ends; an error on one side is one on the other. */
export function tunnel(client: Socket, upstream: Socket): void {
  // Silence is normal here, so the limits that held for HTTP end; dead peers are found by keep-alive probes.
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
