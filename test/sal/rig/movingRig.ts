import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemScheduler } from "../../../src/node/scheduler.ts";
import { systemTimers } from "../../../src/node/timers.ts";
import type { MoveReason } from "../../../src/sal/client/dependencies.ts";
import { tcpPort } from "../../../src/sal/provider/tcpPort.ts";
import { TlsRig } from "./tlsRig.ts";

/** How a place ends when the provider has gone to another one. */
export const endings = ["announced", "broken", "silent"] as const;
export type Ending = (typeof endings)[number];

/** A place where the provider can be reached: a wire to its port that a test breaks, or makes silent. */
class Place {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #isSilent = false;

  constructor(to: number) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#track(socket);
      if (this.#isSilent) return;
      const other = connect({ port: to, host: "127.0.0.1", allowHalfOpen: true });
      this.#track(other);
      socket.pipe(other).pipe(socket);
      socket.once("close", () => other.destroy());
      other.once("close", () => socket.destroy());
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `sal://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The address has gone: nothing comes back, not even a refusal. */
  silence(): void {
    this.#isSilent = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** The process has gone: connections break, and new ones are refused. */
  break(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
  }
}

/** A service whose own server listens on loopback, and whose provider goes to another place when a test says so. */
export class MovingRig {
  /** Why the client's session went on over another connection, each time. */
  readonly moves: MoveReason[] = [];
  /** The client's, and the first provider's. */
  readonly #rig: TlsRig;
  readonly #rigs: TlsRig[] = [];
  #places: Place[] = [];
  #onMoved = () => {};
  readonly #upstream: number;

  /** @param upstream Port of the service's own server; it is offered as port 80. */
  constructor(upstream: number) {
    this.#upstream = upstream;
    this.#rig = this.#createProvider();
  }

  get client() {
    return this.#rig.client;
  }

  /** Sessions of the provider's present process. */
  get sessions(): number {
    return this.#provider.provider.sessions;
  }

  async start(): Promise<void> {
    await this.#rig.start();
    await this.#goElsewhere();
  }

  /** The provider goes to another place; resolves when the session goes on there. */
  async move(ending: Ending): Promise<void> {
    const [old] = this.#places;
    const moved = new Promise<void>((resolve) => (this.#onMoved = resolve));
    await this.#goElsewhere();
    if (ending === "announced") this.#provider.provider.migrate(this.#rig.locator.record);
    else if (ending === "broken") old?.break();
    else old?.silence();
    await moved;
    old?.break();
    this.#places = this.#places.slice(1);
  }

  /** The provider's process ends, and another one begins at another place: it knows none of the sessions. */
  async crash(): Promise<void> {
    this.#provider.provider.stop();
    for (const place of this.#places.splice(0)) place.break();
    await this.#createProvider().start();
    await this.#goElsewhere();
  }

  async stop(): Promise<void> {
    for (const rig of this.#rigs) await rig.stop();
    for (const place of this.#places) place.break();
  }

  get #provider(): TlsRig {
    return this.#rigs.at(-1) ?? this.#rig;
  }

  #createProvider(): TlsRig {
    const parts = { timers: systemTimers, clock: systemScheduler };
    const web = tcpPort({ to: { host: "127.0.0.1", port: this.#upstream } }, parts);
    const rig = new TlsRig({
      ports: new Map([[80, web]]),
      observer: {
        moved: ({ reason }) => {
          this.moves.push(reason);
          this.#onMoved();
        },
      },
    });
    this.#rigs.push(rig);
    return rig;
  }

  async #goElsewhere(): Promise<void> {
    const place = new Place(this.#provider.port);
    this.#places.push(place);
    this.#rig.locator.publish({ endpoints: [await place.listen()] });
  }
}
