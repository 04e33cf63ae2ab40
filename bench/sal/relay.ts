import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { serve } from "../resolve/worker.ts";

/** What becomes silent: one of the client's networks, one of the provider's places, or both. */
export interface Silence {
  network?: number | undefined;
  place?: number | undefined;
}

/** Both ends of a connection that is passed on; a connection into silence has one. */
interface Joined {
  network: number;
  place: number;
  ends: Socket[];
}

serve({ open, silence, forget });

const joined = new Set<Joined>();
let silent: Silence = {};

/** Listens for each pair of a network and a place; returns ports by network and place. */
async function open({ to, count }: { to: number; count: number }): Promise<number[][]> {
  const numbers = Array.from({ length: count }, (_, number) => number);
  return Promise.all(
    numbers.map((network) => Promise.all(numbers.map((place) => listen(network, place, to)))),
  );
}

async function listen(network: number, place: number, to: number): Promise<number> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const connection: Joined = { network, place, ends: [socket] };
    joined.add(connection);
    watch(connection, socket);
    // The kernel has accepted; nothing is read, so nothing comes back.
    if (isSilent(connection)) return;
    const other = connect({ port: to, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    connection.ends.push(other);
    watch(connection, other);
    socket.pipe(other);
    other.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A connection that ends at one side ends at the other. */
function watch(connection: Joined, socket: Socket): void {
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    joined.delete(connection);
    for (const end of connection.ends) end.destroy();
  });
}

function isSilent({ network, place }: Joined): boolean {
  return network === silent.network || place === silent.place;
}

/** From now on connections of the silent network and place pass nothing on, in either direction, and do not end. */
function silence(next: Silence): void {
  silent = next;
  for (const connection of joined) {
    if (!isSilent(connection)) continue;
    for (const end of connection.ends) end.unpipe().pause();
  }
}

/** Closes what is silent; the network and the place may be used again. */
function forget(): void {
  for (const connection of joined) {
    if (isSilent(connection)) for (const end of connection.ends) end.destroy();
  }
  silent = {};
}
