import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A step of a script. */
export type Step =
  /** Waits for the head of the next request. */
  | "request"
  /** Sends FIN, after everything that was sent. */
  | "close"
  /** Sends RST. */
  | "reset"
  /** Sends bytes, one for each character. */
  | { send: string | Uint8Array }
  /** Waits, for example until the client has read what was sent. */
  | { wait: Promise<unknown> };

/** A TCP server that plays the same script on each connection, whatever the client does. */
export class ScriptedUpstream {
  /** The heads of the requests of each connection, in the order of their arrival. */
  readonly connections: string[][] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(script: (connection: number) => Iterable<Step>) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      // The other side may break the connection at any step.
      socket.on("error", () => {});
      socket.once("close", () => this.#sockets.delete(socket));
      void this.#play(socket, script(this.connections.length));
    });
  }

  /**
   * Starts a server.
   *
   * @param script The steps of every connection, or a function that gives those of one, by its number from 0.
   */
  static async start(
    script: readonly Step[] | ((connection: number) => Iterable<Step>),
  ): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream(typeof script === "function" ? script : () => script);
    upstream.#server.listen(0, "127.0.0.1");
    await once(upstream.#server, "listening");
    return upstream;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #play(socket: Socket, steps: Iterable<Step>): Promise<void> {
    const heads: string[] = [];
    this.connections.push(heads);
    const requests = new Requests(socket, heads);
    for (const step of steps) {
      if (step === "request") await requests.next();
      else if (step === "close") socket.end();
      else if (step === "reset") socket.resetAndDestroy();
      else if ("wait" in step) await step.wait;
      else if (!socket.destroyed)
        await new Promise((sent) => socket.write(step.send, "latin1", sent));
    }
  }
}

/** The heads of a connection's requests; bodies count as a part of the next head. */
class Requests {
  readonly #heads: string[];
  #text = "";
  #taken = 0;
  #arrived = Promise.withResolvers<undefined>();

  constructor(socket: Socket, heads: string[]) {
    this.#heads = heads;
    socket.on("data", (data: Buffer) => {
      this.#text += data.toString("latin1");
      for (let end; (end = this.#text.indexOf("\r\n\r\n")) >= 0;) {
        heads.push(this.#text.slice(0, end));
        this.#text = this.#text.slice(end + 4);
      }
      this.#arrived.resolve(undefined);
      this.#arrived = Promise.withResolvers();
    });
  }

  async next(): Promise<void> {
    while (this.#heads.length <= this.#taken) await this.#arrived.promise;
    this.#taken += 1;
  }
}
