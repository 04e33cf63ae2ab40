import { expect } from "chai";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { reread, type Reread } from "../../src/relay/rereadSocket.ts";
import { pattern } from "../sal/rig/random.ts";
import { until } from "../support/until.ts";

describe("a connection that a server has accepted", () => {
  let server: Server;
  let client: Socket;
  let accepted: Socket;

  beforeEach(async () => {
    server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    client.on("error", () => {});
    [accepted] = (await once(server, "connection")) as [Socket];
  });
  afterEach(() => {
    client.destroy();
    server.close();
  });

  /** Reads the connection into one buffer, again and again. */
  function rereads(chunks: Buffer[], isHeldUp = false): Reread {
    const own = Buffer.allocUnsafeSlow(8 * 1024);
    const again = reread(accepted, {
      buffer: () => own,
      callback: (length, buffer) => {
        chunks.push(Buffer.from(buffer.subarray(0, length)));
        return !isHeldUp;
      },
    });
    again.socket.on("error", () => {});
    return again;
  }

  it("is read into buffers of one's own with this Node; what was read before comes first", async () => {
    const sent = pattern(1, 1_000_000);
    client.write(sent.subarray(0, 1_000));
    await once(accepted, "readable");
    const chunks: Buffer[] = [];
    const { socket, early, isDirect } = rereads(chunks);
    expect(isDirect, "the relay's speed depends on it").to.equal(true);
    expect(Buffer.concat(early).equals(sent.subarray(0, 1_000))).to.equal(true);
    client.end(sent.subarray(1_000));
    const ended = once(socket, "end");
    socket.resume();
    await ended;
    expect(chunks.every(({ length }) => length <= 8 * 1024)).to.equal(true);
    expect(Buffer.concat([...early, ...chunks]).equals(sent)).to.equal(true);
    expect(accepted.destroyed).to.equal(true);
    expect(socket.remotePort).to.equal(client.localPort);
    socket.destroy();
  });

  it("is paused by its callback, and goes on when it is resumed", async () => {
    const chunks: Buffer[] = [];
    const { socket } = rereads(chunks, true);
    client.write(Buffer.alloc(100_000, 1));
    socket.resume();
    await until("one read", () => chunks.length === 1, 1);
    await new Promise(setImmediate);
    expect(chunks).to.have.lengthOf(1);
    socket.resume();
    await until("another one", () => chunks.length === 2, 1);
    socket.destroy();
  });

  it("takes what is written to it, and ends at both sides", async () => {
    const { socket } = rereads([]);
    socket.resume();
    socket.write("hello");
    const [answer] = (await once(client, "data")) as [Buffer];
    expect(answer.toString()).to.equal("hello");
    const closed = once(client, "close");
    socket.destroySoon();
    await closed;
  });

  it("goes on as a stream while bytes of it wait to be written, with the same callbacks", async () => {
    accepted.write(Buffer.alloc(20_000_000));
    expect(accepted.writableLength).to.be.above(0);
    const chunks: Buffer[] = [];
    const { socket, isDirect } = rereads(chunks);
    expect([isDirect, socket === accepted]).to.deep.equal([false, true]);
    client.write("hello");
    socket.resume();
    await until("it is there", () => Buffer.concat(chunks).toString() === "hello", 1);
    let received = 0;
    client.on("data", (chunk: Buffer) => (received += chunk.length));
    await until("all is written", () => received === 20_000_000);
    socket.destroy();
  });

  it("that has ended already tells so", async () => {
    client.resetAndDestroy();
    await once(accepted.resume(), "close").catch(() => undefined);
    const { socket, isDirect } = rereads([]);
    expect([isDirect, socket.closed]).to.deep.equal([false, true]);
  });
});
