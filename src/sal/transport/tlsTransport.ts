import { constants } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import {
  connect as connectTls,
  createSecureContext,
  TLSSocket,
  type SecureContext,
} from "node:tls";
import type { DialRules } from "../../net/dialRules.ts";
import { salError } from "../errors.ts";
import type { Certificate } from "./certificate.ts";
import type { DialTarget, Link, Transport } from "./link.ts";
import { parseServerName } from "./serverName.ts";
import { TlsLink } from "./tlsLink.ts";

/** Protocol name of the SAL in TLS (RFC 7301). */
export const ALPN = "sal/1";
/** Buffer of a link's socket: one segment. Node passes this on to the stream; its types do not know. */
const BUFFER: object = { highWaterMark: 64 * 1024 };
/** Common to both sides. There is no resumption: it would let an observer connect two visits. */
const VERSION = { minVersion: "TLSv1.3", maxVersion: "TLSv1.3" } as const;

/**
 * Links over TLS 1.3 and TCP. TLS gives secrecy and a value to sign; who the other side is, the receipt says. So no
 * certificate is checked.
 */
export class TlsTransport implements Transport {
  readonly #rules: DialRules;

  constructor(rules: DialRules) {
    this.#rules = rules;
  }

  async dial(target: DialTarget, signal: AbortSignal): Promise<Link> {
    const { host, port, serverName } = target;
    signal.throwIfAborted();
    this.#rules.check(host, port);
    const tcp = connectTcp({ host, port, lookup: this.#rules.lookup(signal), noDelay: true });
    const socket = connectTls({
      ...VERSION,
      socket: tcp,
      servername: serverName,
      ALPNProtocols: [ALPN],
      rejectUnauthorized: false,
      // Node checks the certificate's name even so, and tells only; nothing to tell here.
      checkServerIdentity: () => undefined,
      ...BUFFER,
    });
    await secured(tcp, socket, signal, `${host}:${port}`);
    return checked(socket, `${host}:${port}`);
  }
}

/** The TLS server's side for connections that another server has accepted. */
export class TlsAcceptor {
  readonly #context: SecureContext;

  constructor(certificate: Certificate) {
    this.#context = createSecureContext({
      ...certificate,
      ...VERSION,
      // The tickets that TLS 1.3 sends even so refer to a cache, and there is none: no session can be resumed.
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
  }

  /**
   * Makes a link of an accepted connection.
   *
   * @returns The link and the server name that the client asked for.
   * @throws BlockcloudError `SAL_NO_PATH` if the client does not speak the SAL; the connection is closed then. Or the
   *   signal's reason.
   */
  async accept(tcp: Socket, signal: AbortSignal): Promise<{ link: Link; serverName: string }> {
    tcp.setNoDelay(true);
    const socket = new TLSSocket(tcp, {
      isServer: true,
      secureContext: this.#context,
      ALPNProtocols: [ALPN],
      SNICallback: (name, done) => {
        if (parseServerName(name) === undefined) done(new Error("not a service's name"));
        else done(null, this.#context);
      },
      ...BUFFER,
    });
    const peer = `${tcp.remoteAddress}:${tcp.remotePort}`;
    await secured(tcp, socket, signal, peer);
    const link = checked(socket, peer);
    // Without a server name the callback above is not called.
    const serverName = (socket as { servername?: string | false }).servername;
    if (typeof serverName !== "string") {
      socket.destroy();
      throw salError("noPath", `${peer} names no service.`);
    }
    return { link, serverName };
  }
}

function checked(socket: TLSSocket, peer: string): Link {
  if (socket.getProtocol() !== "TLSv1.3" || socket.alpnProtocol !== ALPN) {
    socket.destroy();
    throw salError("noPath", `${peer} does not speak ${ALPN}.`);
  }
  return new TlsLink(socket);
}

/** Waits for the end of a handshake. */
function secured(tcp: Socket, socket: TLSSocket, signal: AbortSignal, peer: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      fail(signal.reason as Error);
    };
    const settle = () => {
      signal.removeEventListener("abort", abort);
      tcp.off("error", failed);
      socket.off("error", failed);
      socket.off("close", closed);
    };
    const fail = (error: Error) => {
      settle();
      // A late error of a destroyed socket has no reader.
      socket.on("error", () => {});
      tcp.on("error", () => {});
      socket.destroy();
      tcp.destroy();
      reject(error);
    };
    const failed = (cause: Error & { code?: string }) => {
      fail(
        cause.code === "NET_REFUSED"
          ? cause
          : // OpenSSL's own text has several lines, and addresses of memory.
            salError("noPath", `${peer}: ${cause.code ?? cause.message}.`, { cause }),
      );
    };
    const closed = () => {
      fail(salError("noPath", `${peer} closed the connection.`));
    };
    signal.addEventListener("abort", abort, { once: true });
    tcp.on("error", failed);
    socket.on("error", failed);
    socket.on("close", closed);
    socket.once("secure", () => {
      settle();
      resolve();
    });
  });
}
