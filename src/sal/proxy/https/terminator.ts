import { createSecureContext, TLSSocket, type SecureContext } from "node:tls";
import type { Socket } from "node:net";
import { reset } from "../../../net/reset.ts";
import { boundedTable } from "../../../node/boundedTable.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { canonicalName, isInZones } from "../../../protocol/name.ts";
import { clientGone } from "../errors.ts";
import type { Authority } from "./authority.ts";

/** Names whose certificates are kept. */
const MAX_NAMES = 1_000;
/** A certificate that ends sooner is written anew, milliseconds. */
const RENEW_MS = 24 * 3600 * 1000;

/** The TLS connection of a program, which a reset ends below TLS: a program must never take a part for the whole. */
export class TerminatedSocket extends TLSSocket {
  readonly #below: Socket;

  constructor(below: Socket, options: ConstructorParameters<typeof TLSSocket>[1]) {
    super(below, options);
    this.#below = below;
  }

  override resetAndDestroy(): this {
    reset(this.#below);
    return this.destroy();
  }
}

/** Ends the TLS of programs in the names of services, with certificates of the user's own authority. */
export class Terminator {
  readonly #authority: Authority;
  readonly #now: () => number;
  readonly #contexts = boundedTable<string, { context: SecureContext; until: number }>(MAX_NAMES);

  /** @param now Unix milliseconds. */
  constructor(authority: Authority, now: () => number) {
    this.#authority = authority;
    this.#now = now;
  }

  /**
   * Takes a connection that begins with TLS.
   *
   * @param isOwn Whether a name may be served on this connection.
   * @returns The connection without TLS, and the server name in the form of `canonicalName`.
   * @throws BlockcloudError `PROXY_TLS` if the program names no such service, or trusts no certificate for it.
   */
  accept(
    client: Socket,
    isOwn: (name: string) => Promise<boolean>,
  ): Promise<{ socket: TerminatedSocket; name: string }> {
    return new Promise((resolve, reject) => {
      let name: string | undefined;
      const choose = async (asked: string) => {
        const lower = asked.toLowerCase().replace(/\.$/, "");
        if (!isInZones(lower)) throw foreignName();
        const canonical = canonicalName(lower);
        if (!(await isOwn(canonical))) throw foreignName();
        name = canonical;
        return this.#contextOf(canonical);
      };
      const socket = new TerminatedSocket(client, {
        isServer: true,
        minVersion: "TLSv1.2",
        // A flow carries HTTP/1.1.
        ALPNProtocols: ["http/1.1"],
        SNICallback: (asked, done) => {
          choose(asked).then(
            (context) => {
              done(null, context);
            },
            (error: unknown) => {
              done(error instanceof Error ? error : new Error(String(error)));
            },
          );
        },
      });
      const settle = () => {
        socket.off("error", failed).off("close", gone);
      };
      const failed = (cause: Error) => {
        settle();
        socket.on("error", () => {});
        socket.destroy();
        reject(cause instanceof BlockcloudError ? cause : refusedTls(cause));
      };
      const gone = () => {
        failed(clientGone());
      };
      socket.once("error", failed).once("close", gone);
      socket.once("secure", () => {
        settle();
        // It may fail before a reader is attached, who adds a listener.
        socket.on("error", () => {});
        if (name !== undefined) resolve({ socket, name });
        else {
          socket.destroy();
          reject(foreignName());
        }
      });
    });
  }

  #contextOf(name: string): SecureContext {
    const now = this.#now();
    const known = this.#contexts.get(name);
    if (known !== undefined && known.until - RENEW_MS > now) return known.context;
    const { cert, key, until } = this.#authority.leaf(name, now);
    const context = createSecureContext({ cert, key });
    this.#contexts.set(name, { context, until });
    return context;
  }
}

function foreignName(): BlockcloudError {
  return new BlockcloudError("PROXY_TLS", "The program asks for no service of this address.", {
    remedy: "Use the name of the service in the URL.",
  });
}

function refusedTls(cause: unknown): BlockcloudError {
  return new BlockcloudError("PROXY_TLS", "The program ended the TLS handshake.", {
    cause,
    remedy: "Let the program trust the proxy's authority: blockcloud proxy ca install.",
  });
}
