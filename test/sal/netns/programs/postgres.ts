import type { Socket } from "node:net";

/**
 * The server's part of PostgreSQL's protocol (version 3.0), as far as `psql -c` needs it: it refuses encryption, asks
 * for no password, and answers each query with one row that holds the query's text.
 */
export function postgres(socket: Socket): void {
  let bytes: Buffer = Buffer.alloc(0);
  let isStarted = false;
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const head = isStarted ? 1 : 0;
      if (bytes.length < head + 4) return;
      const length = head + bytes.readUInt32BE(head);
      if (bytes.length < length) return;
      const message = bytes.subarray(0, length);
      bytes = bytes.subarray(length);
      if (isStarted) answer(message);
      else begin(message);
    }
  });

  function begin(message: Buffer): void {
    // SSLRequest and GSSENCRequest: the program goes on without.
    if (message.length === 8) {
      socket.write("N");
      return;
    }
    isStarted = true;
    socket.write(Buffer.concat([say("R", uint32(0)), say("Z", Buffer.from("I"))]));
  }

  function answer(message: Buffer): void {
    const kind = String.fromCharCode(message[0] ?? 0);
    if (kind === "X") socket.end();
    if (kind !== "Q") return;
    const text = message.subarray(5, -1);
    const column = Buffer.concat([
      Buffer.from("query\0"),
      ...[uint32(0), uint16(0), uint32(25), uint16(0xffff), uint32(0xffffffff), uint16(0)],
    ]);
    socket.write(
      Buffer.concat([
        say("T", uint16(1), column),
        say("D", uint16(1), uint32(text.length), text),
        say("C", Buffer.from("SELECT 1\0")),
        say("Z", Buffer.from("I")),
      ]),
    );
  }
}

function say(kind: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(kind), uint32(body.length + 4), body]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
