import { constants } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import {
  connect as connectTls,
  createSecureContext,
  TLSSocket,
  type SecureContext,
} from "node:tls";
import type { DialRules } from "../../net/dialRules.ts";
import { plainAddress } from "../../net/peer.ts";
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

  dial(target: DialTarget, signal: AbortSignal): Promise<Link> {
    return dialLink(target, { rules: this.#rules, protocol: ALPN }, signal);
  }
}

/** All addresses of this host, by family. */
export const ANY: Readonly<Record<number, string>> = { 4: "0.0.0.0", 6: "::" };

/**
 * Dials, and makes a link of the connection.
 *
 * @param options.protocol The ALPN protocol, which the other side must speak.
 * @throws BlockcloudError as {@link Transport.dial}.
 */
export async function dialLink(
  { host, port, serverName, isRelay = false }: DialTarget,
  { rules, protocol }: { rules: DialRules; protocol: string },
  signal: AbortSignal,
): Promise<Link> {
  signal.throwIfAborted();
  rules.check(host, port);
  const names = { serverName, where: `${host}:${port}`, protocol };
  if (!isRelay) {
    const tcp = connectTcp({ host, port, lookup: rules.lookup(signal), noDelay: true });
    return secure(tcp, names, signal);
  }
  const found = await rules.addressesOf(host, signal);
  // A relay has few addresses; the first one of each family counts, IPv4 first: there are the NATs to punch.
  const chosen = [4, 6].flatMap((family) => found.find((each) => each.family === family) ?? []);
  let failure: unknown;
  for (const { address, family } of chosen) {
    // A port that the kernel chose at connect could not be bound again.
    const tcp = connectTcp({ host: address, port, localAddress: ANY[family], noDelay: true });
    try {
      return await secure(tcp, names, signal, {});
    } catch (error) {
      signal.throwIfAborted();
      failure ??= error;
    }
  }
  throw failure;
}

/**
 * Makes a link of a TCP connection, in the TLS client's part.
 *
 * @throws BlockcloudError `SAL_NO_PATH`; or the signal's reason. The connection is closed then.
 */
export async function secure(
  tcp: Socket,
  {
    serverName,
    where,
    protocol = ALPN,
  }: { serverName: string; where: string; protocol?: string | undefined },
  signal: AbortSignal,
  relayed?: Relayed,
): Promise<Link> {
  const socket = connectTls({
    ...VERSION,
    socket: tcp,
    servername: serverName,
    ALPNProtocols: [protocol],
    rejectUnauthorized: false,
    // Node checks the certificate's name even so, and tells only; nothing to tell here.
    checkServerIdentity: () => undefined,
    ...BUFFER,
  });
  await secured(tcp, socket, signal, where);
  return checked(socket, where, protocol, peerOfSocket(socket), relayed);
}

/** What a {@link TlsAcceptor} accepts. */
export interface Accepted {
  /** The ALPN protocol. */
  protocol: string;
  /** Whether a server name is one of this server's. */
  isName: (serverName: string) => boolean;
}

/** What a provider accepts; its caller then compares the service. */
const SERVICES: Accepted = {
  protocol: ALPN,
  isName: (name) => parseServerName(name) !== undefined,
};

/** The TLS server's side for connections that another server has accepted. */
export class TlsAcceptor {
  readonly #context: SecureContext;
  readonly #accepted: Accepted;

  constructor(certificate: Certificate, accepted: Accepted = SERVICES) {
    this.#accepted = accepted;
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
   * @param peer The other end, if it is not that of the connection: a relay's visitor.
   * @param relayed What is known of a relay's visitor.
   * @returns The link and the server name that the client asked for; none if it gave none.
   * @throws BlockcloudError `SAL_NO_PATH` if the client does not speak the SAL; the connection is closed then. Or the
   *   signal's reason.
   */
  async accept(
    tcp: Socket,
    signal: AbortSignal,
    peer: Place = peerOfSocket(tcp),
    relayed?: Relayed,
  ): Promise<{ link: Link; serverName: string | undefined }> {
    tcp.setNoDelay(true);
    const { protocol, isName } = this.#accepted;
    const socket = new TLSSocket(tcp, {
      isServer: true,
      secureContext: this.#context,
      ALPNProtocols: [protocol],
      SNICallback: (name, done) => {
        if (isName(name)) done(null, this.#context);
        else done(new Error("not a name of this server"));
      },
      ...BUFFER,
    });
    const other = `${peer.address}:${peer.port}`;
    await secured(tcp, socket, signal, other);
    const link = checked(socket, other, protocol, peer, relayed);
    // Without a server name the callback above is not called.
    const serverName = (socket as { servername?: string | false }).servername;
    return { link, serverName: typeof serverName === "string" ? serverName : undefined };
  }
}

/** The other end of a connection. */
export function peerOfSocket({ remoteAddress, remotePort = 0 }: Socket): Place {
  return { address: plainAddress(remoteAddress ?? ""), port: remotePort };
}

function checked(
  socket: TLSSocket,
  other: string,
  protocol: string,
  peer: Place,
  relayed?: Relayed,
): Link {
  if (socket.getProtocol() !== "TLSv1.3" || socket.alpnProtocol !== protocol) {
    socket.destroy();
    throw salError("noPath", `${other} does not speak ${protocol}.`);
  }
  return new TlsLink(socket, peer, relayed);
}

/** What a relay says in TLS's own words before a handshake: hints, which prove nothing. */
const HINTS: Readonly<Record<string, string>> = {
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: "no provider of the service is there",
  ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR: "the provider does not answer the relay",
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: "it takes no more visitors now",
};

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
            salError(
              "noPath",
              `${peer}: ${HINTS[cause.code ?? ""] ?? cause.code ?? cause.message}.`,
              {
                cause,
              },
            ),
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
