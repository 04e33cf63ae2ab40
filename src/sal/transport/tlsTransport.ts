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
import type { DialTarget, Link, Place, Relayed, Transport } from "./link.ts";
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
    const { host, port, serverName, isRelay = false } = target;
    signal.throwIfAborted();
    this.#rules.check(host, port);
    const where = `${host}:${port}`;
    if (!isRelay) {
      const tcp = connectTcp({ host, port, lookup: this.#rules.lookup(signal), noDelay: true });
      return secure(tcp, { serverName, where }, signal);
    }
    const found = await this.#rules.addressesOf(host, signal);
    // A relay has few addresses; the first one of each family counts, IPv4 first: there are the NATs to punch.
    const chosen = [4, 6].flatMap((family) => found.find((each) => each.family === family) ?? []);
    let failure: unknown;
    for (const { address, family } of chosen) {
      // A port that the kernel chose at connect could not be bound again.
      const tcp = connectTcp({ host: address, port, localAddress: ANY[family], noDelay: true });
      try {
        return await secure(tcp, { serverName, where }, signal, {});
      } catch (error) {
        signal.throwIfAborted();
        failure ??= error;
      }
    }
    throw failure;
  }
}

/** All addresses of this host, by family. */
export const ANY: Readonly<Record<number, string>> = { 4: "0.0.0.0", 6: "::" };

/**
 * Makes a link of a TCP connection, in the TLS client's part.
 *
 * @throws BlockcloudError `SAL_NO_PATH`; or the signal's reason. The connection is closed then.
 */
export async function secure(
  tcp: Socket,
  { serverName, where }: { serverName: string; where: string },
  signal: AbortSignal,
  relayed?: Relayed,
): Promise<Link> {
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
  await secured(tcp, socket, signal, where);
  return checked(socket, where, relayed);
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
   * @param peer Who is at the other end, if a relay passes it on.
   * @returns The link and the server name that the client asked for.
   * @throws BlockcloudError `SAL_NO_PATH` if the client does not speak the SAL; the connection is closed then. Or the
   *   signal's reason.
   */
  async accept(
    tcp: Socket,
    signal: AbortSignal,
    peer?: Place,
    relayed?: Relayed,
  ): Promise<{ link: Link; serverName: string }> {
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
    const where = `${tcp.remoteAddress}:${tcp.remotePort}`;
    await secured(tcp, socket, signal, where);
    const link = checked(socket, where, relayed, peer);
    // Without a server name the callback above is not called.
    const serverName = (socket as { servername?: string | false }).servername;
    if (typeof serverName !== "string") {
      socket.destroy();
      throw salError("noPath", `${where} names no service.`);
    }
    return { link, serverName };
  }
}

function checked(socket: TLSSocket, where: string, relayed?: Relayed, peer?: Place): Link {
  if (socket.getProtocol() !== "TLSv1.3" || socket.alpnProtocol !== ALPN) {
    socket.destroy();
    throw salError("noPath", `${where} does not speak ${ALPN}.`);
  }
  return new TlsLink(socket, relayed, peer);
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
