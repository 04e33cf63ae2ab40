import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A wire between two TCP ends that a test can cut. */
export class TcpProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => {
    this.#pass(socket);
  });
  readonly #target: { host: string; port: number };
  readonly #suffix: string;
  #isCut = false;

  private constructor(target: { host: string; port: number }, suffix: string) {
    this.#target = target;
    this.#suffix = suffix;
  }

  /** @param multiaddr `/ip4/<host>/tcp/<port>` and whatever follows. */
  static async to(multiaddr: string): Promise<TcpProxy> {
    const [, host = "", port = "", suffix = ""] =
      /^\/ip4\/([\d.]+)\/tcp\/(\d+)(.*)$/.exec(multiaddr) ?? [];
    const proxy = new TcpProxy({ host, port: Number(port) }, suffix);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** The multiaddr of this end. */
  get address(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `/ip4/127.0.0.1/tcp/${port}${this.#suffix}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  heal(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #pass(near: Socket): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(this.#target);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.pipe(other);
      // A cut wire is what this is for.
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
