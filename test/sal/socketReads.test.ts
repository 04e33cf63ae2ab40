import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  connect,
  createServer,
  type AddressInfo,
  type NetConnectOpts,
  type Socket,
} from "node:net";
import { Duplex } from "node:stream";
import { SocketReads } from "../../src/sal/socketReads.ts";
import { until } from "../support/until.ts";

const KIB = 1024;
let chunks = 0;

/** Takes each chunk some turns of the event loop after it was given it, as a flow does, and reads it only then. */
class SlowWriter extends Duplex {
  readonly got: Buffer[] = [];
  most = 0;
  readonly #turns: () => number;

  constructor(turns: () => number) {
    super({ writableHighWaterMark: 128 * KIB });
    this.#turns = turns;
  }

  override _read(): void {
    // Nothing comes back.
  }

  override _write(chunk: Buffer, _: BufferEncoding, taken: () => void): void {
    this.most = Math.max(this.most, this.writableLength);
    let left = this.#turns();
    const turn = () => {
      if (left-- > 0) {
        setImmediate(turn);
        return;
      }
      this.got.push(Buffer.from(chunk));
      taken();
    };
    turn();
  }
}

describe("reads of a connection into buffers that are used again", () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const each of open.splice(0)) each.close();
  });

  /** A connection to a server that sends these parts and ends. */
  async function dial(parts: readonly Buffer[]): Promise<{ socket: Socket; reads: SocketReads }> {
    const server = createServer((socket) => {
      for (const part of parts) socket.write(part);
      socket.end();
    });
    open.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const reads = new SocketReads();
    const to = { host: "127.0.0.1", port, allowHalfOpen: true, onread: reads.onread };
    const socket = connect(to as NetConnectOpts);
    open.push({ close: () => socket.destroy() });
    await once(socket, "connect");
    return { socket, reads };
  }

  for (const [pace, turns] of [
    ["at once", () => 0],
    ["in a few turns", () => 3],
    ["now fast, now slowly", () => (chunks++ * 7) % 12],
  ] as const) {
    it(`loses, repeats and overwrites no byte if the writer takes them ${pace}`, async () => {
      const parts = [1, 100, 4 * KIB, 4 * KIB + 1, 700, 900 * KIB, 3, 64 * KIB, 2_000 * KIB].map(
        (length) => randomBytes(length),
      );
      const { socket, reads } = await dial(parts);
      const writer = new SlowWriter(turns);
      let counted = 0;
      const ended = once(socket, "end");
      reads.pipeTo(writer, socket, (bytes) => {
        counted += bytes;
      });
      await ended;
      writer.end();
      await once(writer, "finish");
      const all = Buffer.concat(parts);
      expect(counted).to.equal(all.length);
      expect(Buffer.concat(writer.got).equals(all)).to.equal(true);
      expect(writer.most, "the reading stops while two reads wait").to.be.below(192 * KIB);
    });
  }

  it("keeps what came before there was a writer, and reads no more until then", async () => {
    const all = randomBytes(300 * KIB);
    const { socket, reads } = await dial([all]);
    await until("the first bytes are read", () => socket.bytesRead > 0);
    const before = socket.bytesRead;
    expect(before).to.be.at.most(4 * KIB);
    const writer = new SlowWriter(() => 1);
    const ended = once(socket, "end");
    reads.pipeTo(writer, socket, () => {});
    await ended;
    writer.end();
    await once(writer, "finish");
    expect(Buffer.concat(writer.got).equals(all)).to.equal(true);
  });
});
