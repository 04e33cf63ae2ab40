import { AsyncLocalStorage } from "node:async_hooks";
import type { KadDHTComponents } from "@libp2p/kad-dht";
import { RateLimit, type RateLimitOptions } from "../../node/rateLimit.ts";

type Registrar = KadDHTComponents["registrar"];

/**
 * Guards the handlers of a protocol: bounds the bytes that a peer sends, and tells callbacks which do not
 * receive the sender, such as validators, who it is.
 */
export class InboundPeer {
  readonly #peer = new AsyncLocalStorage<string>();
  readonly #bytes: RateLimit;
  readonly #exceeded: (peer: string) => void;

  /**
   * @param exceeded Called for a peer that sent more than its share of bytes, after its stream was aborted.
   */
  constructor(bytes: RateLimitOptions, monotonic: () => number, exceeded: (peer: string) => void) {
    this.#bytes = new RateLimit(bytes, monotonic);
    this.#exceeded = exceeded;
  }

  /** The peer whose request is being handled; undefined outside a request. */
  get current(): string | undefined {
    return this.#peer.getStore();
  }

  /** The components of a libp2p service, so that its handlers are guarded. */
  guard<C extends { registrar: Registrar }>(components: C): C {
    const handle: Registrar["handle"] = (protocol, handler, options) =>
      components.registrar.handle(
        protocol,
        (stream, connection) => {
          const peer = connection.remotePeer.toString();
          stream.addEventListener("message", ({ data }) => {
            if (this.#bytes.take(peer, data.byteLength) === 0) return;
            this.#exceeded(peer);
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
