import { stat } from "node:fs/promises";
import { connect, isIP, type Socket } from "node:net";
import {
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  TLSSocket,
  type SecureContext,
} from "node:tls";
import { BlockcloudError } from "../../protocol/errors.ts";
import { socketPath } from "../../net/upstreamUrl.ts";

/** How the gateway connects to its upstream. */
export interface Dialling {
  /**
   * Authority for the Host field: the upstream's own, and `localhost` for a Unix socket, as nginx sends them.
   */
  readonly host: string;
  /** Begins a connection; what is written to it before it is ready is sent then. */
  connect(): Socket;
  /** The reason why a connection could not be made, for the log. */
  explain(cause: NodeJS.ErrnoException, socket: Socket | null): Promise<Error>;
}

/** Finds out that a host has vanished while its connection is silent. */
const PROBES = { keepAlive: true, keepAliveInitialDelay: 60_000 };

/**
 * @param upstream As `parseUpstream` reads it.
 * @param ca The certificates that may sign the upstream's, PEM; undefined for those that the system trusts.
 */
export function diallingOf(upstream: URL, ca: string | undefined): Dialling {
  const path = socketPath(upstream);
  if (path !== undefined) {
    const explain = (cause: NodeJS.ErrnoException) => socketFault(path, cause);
    return { host: "localhost", connect: () => connect({ path }), explain };
  }
  const host = upstream.hostname.replace(/^\[|\]$/g, "");
  if (upstream.protocol === "http:") {
    const to = { host, port: Number(upstream.port || 80), noDelay: true, ...PROBES };
    return {
      host: upstream.host,
      connect: () => connect(to),
      explain: (cause) => Promise.resolve(cause),
    };
  }
  return {
    host: upstream.host,
    connect: tlsConnector(host, Number(upstream.port || 443), ca),
    explain: (cause, socket) => Promise.resolve(tlsFault(upstream.host, cause, socket)),
  };
}

/** Each connection resumes the newest session, so that only the first has a whole handshake. */
function tlsConnector(host: string, port: number, ca: string | undefined): () => Socket {
  const options = {
    ...{ host, port, noDelay: true, ...PROBES },
    // The name for SNI, which no address has (RFC 6066, 3), and for the check of the certificate.
    servername: isIP(host) === 0 ? host : "",
    secureContext: ca === undefined ? systemContext() : createSecureContext({ ca }),
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED cannot change it.
    rejectUnauthorized: true,
    ALPNProtocols: ["http/1.1"],
  };
  let session: Buffer | undefined;
  return () => {
    const socket = connectTls({ ...options, ...(session && { session }) });
    socket.on("session", (newest) => {
      session = newest;
    });
    // It may be the session's fault.
    socket.once("error", () => {
      session = undefined;
    });
    return socket;
  };
}

let trusted: SecureContext | undefined;

/** One for all gateways of the process: to read hundreds of certificates takes 30 ms. */
function systemContext(): SecureContext {
  trusted ??= createSecureContext({ ca: systemCertificates() });
  return trusted;
}

/** The certificates that the system trusts, and those of NODE_EXTRA_CA_CERTS. A host without any uses Node's. */
function systemCertificates(): string[] {
  const system = getCACertificates("system");
  return system.length > 0
    ? [...system, ...getCACertificates("extra")]
    : [...getCACertificates("default")];
}

async function socketFault(path: string, cause: NodeJS.ErrnoException): Promise<Error> {
  const fault = (code: string, message: string, remedy: string) =>
    new BlockcloudError(code, message, { cause, remedy });
  switch (cause.code) {
    case "ENOENT":
    case "ENOTDIR":
      return fault(
        "UPSTREAM_SOCKET_MISSING",
        `There is no socket ${path}.`,
        "Start the server, or correct --upstream.",
      );
    case "EACCES":
    case "EPERM":
      return fault(
        "UPSTREAM_SOCKET_DENIED",
        `This process may not connect to ${path}.`,
        "Its user needs write permission on the socket, and search permission on the folders above it.",
      );
    case "ECONNREFUSED":
    case "ENOTSOCK":
    case "EPROTOTYPE": {
      const isSocket = await stat(path).then(
        (found) => found.isSocket(),
        () => false,
      );
      return isSocket && cause.code === "ECONNREFUSED"
        ? fault("UPSTREAM_SOCKET_CLOSED", `No server listens at ${path}.`, "Start the server.")
        : fault(
            "UPSTREAM_SOCKET_INVALID",
            `${path} is not a stream socket.`,
            "Name the socket at which the server listens.",
          );
    }
    default:
      return cause;
  }
}

function tlsFault(host: string, cause: NodeJS.ErrnoException, socket: Socket | null): Error {
  const isUnconnected = cause.syscall === "connect" || cause.syscall === "getaddrinfo";
  if (!(socket instanceof TLSSocket) || isUnconnected) return cause;
  const why = `${cause.code ?? cause.name}: ${cause.message}`.replace(/[\s.]+$/, "");
  // A code at run time, whatever Node's types say, and null while there is none.
  if (typeof (socket.authorizationError as unknown) === "string") {
    return new BlockcloudError(
      "UPSTREAM_CERTIFICATE",
      `The certificate of ${host} is not accepted: ${why}.`,
      {
        cause,
        remedy:
          "It must name this host, be in date, and be signed by a CA of the system or of --upstream-ca.",
      },
    );
  }
  // It stays set when the handshake fails.
  if (!("secureConnecting" in socket) || socket.secureConnecting !== true) return cause;
  return new BlockcloudError("UPSTREAM_TLS", `The TLS handshake with ${host} failed: ${why}.`, {
    cause,
    remedy: "Check that the server speaks TLS at this port; http:// is for one that does not.",
  });
}
