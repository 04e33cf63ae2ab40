import type { Stream } from "@libp2p/interface";
import type { Duplex } from "node:stream";
import { patternAt, WRITE_BYTES } from "./pattern.ts";

/** Bytes of a request: how many bytes the source shall send. */
export const REQUEST_BYTES = 6;

/** A request for so many bytes of the pattern. */
export function requestOf(bytes: number): Buffer {
  const request = Buffer.alloc(REQUEST_BYTES);
  request.writeUIntBE(bytes, 0, REQUEST_BYTES);
  return request;
}

/** Answers a request for the pattern, in writes of 64 KiB, as fast as the peer takes them. */
export function feed(stream: Duplex): void {
  // The peer closes when it has all; a connection that broke before shows at its end.
  stream.on("error", () => {});
  const begin = () => {
    const request = stream.read(REQUEST_BYTES) as Buffer | null;
    if (request === null) return;
    stream.off("readable", begin);
    stream.resume();
    const bytes = request.readUIntBE(0, REQUEST_BYTES);
    let sent = 0;
    const more = () => {
      while (sent < bytes && !stream.destroyed) {
        const chunk = patternAt(sent, Math.min(WRITE_BYTES, bytes - sent));
        sent += chunk.length;
        if (!stream.write(chunk)) {
          stream.once("drain", more);
          return;
        }
      }
      stream.end();
    };
    more();
  };
  stream.on("readable", begin);
}

/** The same over a stream of libp2p. */
export function feedMessages(stream: Stream): void {
  stream.addEventListener(
    "message",
    ({ data }) => {
      const bytes = Buffer.from(data.subarray()).readUIntBE(0, REQUEST_BYTES);
      void send(stream, bytes);
    },
    { once: true },
  );
}

async function send(stream: Stream, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes;) {
    const chunk = patternAt(sent, Math.min(WRITE_BYTES, bytes - sent));
    sent += chunk.length;
    if (!stream.send(chunk)) await stream.onDrain();
  }
  await stream.close();
}
