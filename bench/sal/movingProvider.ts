import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { serve } from "../resolve/worker.ts";
import { feed } from "./feed.ts";
import { patternAt, WRITE_BYTES } from "./pattern.ts";
import { createProvider, FEED_PORT } from "./service.ts";

serve({ start, migrate, live, reset });

const { provider, acceptor } = createProvider(new Map([[FEED_PORT, feed]]));

/** Listens at two places; returns their ports. */
async function start(): Promise<number[]> {
  const accept = (socket: Socket) => {
    acceptor.accept(socket);
  };
  return Promise.all([listening(accept), listening(accept)]);
}

/** Announces a move: the record is a byte with the number of the place. */
function migrate(place: number): void {
  provider.migrate(Buffer.of(place));
}

/** Bytes of the live feed that TCP has taken. */
let position = 0;
let reader: Socket | undefined;

/**
 * A feed over plain TCP: a reader gets the present offset (6 bytes) and what follows. What TCP had taken for the reader
 * before counts as sent: TCP tells an application no more.
 */
async function live(): Promise<number[]> {
  const serveFeed = (socket: Socket) => {
    reader = socket;
    socket.on("error", () => {
      // A reader that has gone; the next one goes on.
    });
    const offset = Buffer.alloc(6);
    offset.writeUIntBE(position, 0, 6);
    socket.write(offset);
    const more = () => {
      while (reader === socket && !socket.destroyed) {
        const chunk = patternAt(position, WRITE_BYTES);
        position += chunk.length;
        if (!socket.write(chunk)) {
          socket.once("drain", more);
          return;
        }
      }
    };
    more();
  };
  return Promise.all([listening(serveFeed), listening(serveFeed)]);
}

/** A provider over plain TCP that moves ends its connections. */
function reset(): void {
  reader?.destroy();
}

async function listening(accept: (socket: Socket) => void): Promise<number> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, accept);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
