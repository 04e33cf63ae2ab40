import { AsyncLocalStorage } from "node:async_hooks";
import type { KadDHTComponents } from "@libp2p/kad-dht";
import type { RateLimit } from "../node/rateLimit.ts";

type Registrar = KadDHTComponents["registrar"];

/** Which peer's request is being answered, for code that is called without being told. */
export class InboundPeer {
  readonly #peer = new AsyncLocalStorage<string>();

  /** The peer whose request the caller is answering; undefined outside of any. */
  get current(): string | undefined {
    return this.#peer.getStore();
  }

  /**
   * The components of a libp2p service, so that its handlers run as answers to their peer, and a peer that
   * sends more than its share of bytes loses its stream.
   *
   * @param exceeded Is told of each such peer.
   */
  guard<C extends { registrar: Registrar }>(
    components: C,
    bytes: RateLimit,
    exceeded: (peer: string) => void,
  ): C {
    const handle: Registrar["handle"] = (protocol, handler, options) =>
      components.registrar.handle(
        protocol,
        (stream, connection) => {
          const peer = connection.remotePeer.toString();
          stream.addEventListener("message", ({ data }) => {
            if (bytes.take(peer, data.byteLength) === 0) return;
            exceeded(peer);
            stream.abort(new Error("too much at once"));
          });
          return this.#peer.run(peer, () => handler(stream, connection));
        },
        options,
      );
    const registrar = replace(components.registrar, { handle });
    return replace(components, { registrar } as Partial<C>);
  }
}

/** An object with some of its properties replaced; methods keep their own `this`. */
function replace<T extends object>(object: T, replaced: Partial<T>): T {
  return new Proxy(object, {
    get(target, name) {
      if (name in replaced) return replaced[name as keyof T];
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
