import { expect } from "chai";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { reset } from "../../src/net/reset.ts";

describe("reset", () => {
  let server: Server;
  let near: Socket;
  let far: Socket;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const accepted = once(server, "connection");
    const { port } = server.address() as AddressInfo;
    near = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    [far] = (await accepted) as [Socket];
  });
  afterEach(async () => {
    near.destroy();
    far.destroy();
    server.close();
    await once(server, "close");
  });

  /** How the far end sees its connection end. */
  async function end(): Promise<"end" | "reset"> {
    const failed = new Promise<"reset">((resolve) => {
      far.once("error", (error: NodeJS.ErrnoException) => {
        expect(error.code).to.equal("ECONNRESET");
        resolve("reset");
      });
    });
    const ended = once(far, "end").then(() => "end" as const);
    ended.catch(() => {});
    far.resume();
    return Promise.race([failed, ended]);
  }

  it("an idle connection ends by a reset", async () => {
    const seen = end();
    reset(near);
    expect(await seen).to.equal("reset");
  });

  it("bytes that wait behind a slow reader do not turn it into an end", async () => {
    // Far more than the kernel takes; the FIN waits behind it.
    near.end(Buffer.alloc(64 * 1024 * 1024));
    reset(near);
    expect(await end()).to.equal("reset");
  });

  it("a connection whose FIN is just being sent is closed, and its peer's next write fails", async () => {
    const closed = once(near, "close");
    await new Promise((sent) => near.write("last", sent));
    near.end();
    // Node hands the FIN over in the next turn of its queue, and is told of it some turns later.
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
    reset(near);
    await closed;
    far.resume();
    await once(far, "end");
    const failed = once(far, "error");
    far.write("more");
    expect((await failed)[0])
      .to.have.property("code")
      .oneOf(["EPIPE", "ECONNRESET"]);
  });

  it("does nothing to a connection that is closed", async () => {
    near.destroy();
    await once(near, "close");
    reset(near);
  });
});
