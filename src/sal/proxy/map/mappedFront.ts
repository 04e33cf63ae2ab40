import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Hex } from "viem";
import type { Connections } from "../../../net/connections.ts";
import { reset } from "../../../net/reset.ts";
import { within } from "../../../node/within.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { canonicalName, isInZones, parseName, rawName } from "../../../protocol/name.ts";
import { resolveErrors } from "../../../resolver/answer.ts";
import { clientRefused } from "../access.ts";
import { join, report, type ProxyContext } from "../context.ts";
import { clientGone, garbage } from "../errors.ts";
import { failureOf } from "../failures.ts";
import { readFirstByte, watchProgram } from "../handshake.ts";
import type { Terminator } from "../https/terminator.ts";
import { endAfter, problemMessage } from "../refusal.ts";
import { readAuthority } from "../target.ts";
import { readFirstBytes } from "./requestHead.ts";
import { sniff, type Sniffed } from "./sniff.ts";

/** Ports at which the program speaks first: HTTP, and TLS. */
const PROGRAM_FIRST = new Set([80, 443]);

/** How long a program may take to send a request to a service that cannot be reached, milliseconds. */
const SPEAK_MS = 200;

/** The port of a page in TLS, and the service's port to which it leads. */
const HTTPS = { from: 443, to: 80 };
/** The first byte of TLS (RFC 8446, 5.1). */
const HANDSHAKE = 0x16;

/** The place at which a program has connected. */
export interface MappedPlace {
  serviceId: Hex;
  port: number;
}

export interface MappedFrontDependencies {
  context: ProxyContext;
  connections: Connections;
  /** @throws BlockcloudError with a code of `resolveErrors`. */
  serviceOf(name: string): Promise<Hex>;
  /** Ends TLS at port 443; without it, TLS is passed on as it is. */
  terminator?: Terminator | undefined;
}

/** Serves connections to mapped addresses: each is joined with a flow to the address's service. */
export class MappedFront {
  readonly #context: ProxyContext;
  readonly #connections: Connections;
  readonly #serviceOf: MappedFrontDependencies["serviceOf"];
  readonly #terminator: Terminator | undefined;

  constructor({ context, connections, serviceOf, terminator }: MappedFrontDependencies) {
    this.#context = context;
    this.#connections = connections;
    this.#serviceOf = serviceOf;
    this.#terminator = terminator;
  }

  /** Serves one connection; never throws. */
  async serve(client: Socket, place: MappedPlace): Promise<void> {
    // Every wait for the connection ends with its closing.
    client.on("error", () => {});
    this.#connections.opened(client);
    if (client.destroyed) return;
    this.#connections.begin(client);
    try {
      if (!(await this.#context.access.servesWithoutPassword(client))) throw clientRefused();
      const inner = place.port === HTTPS.from ? await this.#decrypted(client, place) : client;
      await this.#serveOpen(inner, place);
    } catch (error) {
      report(error, "mapped", this.#context);
      reset(client);
    }
  }

  /** Whether a tunnel leads to a page whose TLS the proxy ends. */
  takes({ host, port }: { host: string; port: number }): boolean {
    const name = host.toLowerCase().replace(/\.$/, "");
    return this.#terminator !== undefined && port === HTTPS.from && isInZones(name);
  }

  /** Serves a tunnel that a program asked for by a name; never throws. */
  async serveTunnel(client: Socket, host: string): Promise<void> {
    try {
      const serviceId = await this.#serviceOf(canonicalName(host));
      const place = { serviceId, port: HTTPS.from };
      await this.#serveOpen(await this.#decrypted(client, place), place);
    } catch (error) {
      report(error, "mapped", this.#context);
      reset(client);
    }
  }

  /** Serves a connection without TLS, or whose TLS is the service's own business. */
  async #serveOpen(client: Socket, place: MappedPlace): Promise<void> {
    let isHttp = false;
    try {
      if (PROGRAM_FIRST.has(place.port)) {
        const first = await this.#sniff(client, undefined);
        isHttp = first.kind === "request" || first.kind === "refused";
        await this.#check(first, place);
        const flow = await this.#dial(client, place);
        await this.#join(client, flow, first);
      } else {
        const flow = await this.#dial(client, place).catch(async (error: unknown) => {
          isHttp = await this.#hasAsked(client, place);
          throw error;
        });
        const first = await this.#judge(client, flow, place, (isRequest) => (isHttp = isRequest));
        await this.#join(client, flow, first);
      }
    } catch (error) {
      report(error, "mapped", this.#context);
      if (isHttp && !client.destroyed) {
        endAfter(client, problemMessage(failureOf(error)), this.#context.timers);
      } else reset(client);
    }
  }

  /** The connection without its TLS, if the proxy ends it. */
  async #decrypted(client: Socket, place: MappedPlace): Promise<Socket> {
    if (this.#terminator === undefined) return client;
    const terminator = this.#terminator;
    const { settings, timers } = this.#context;
    const limit = { milliseconds: settings.keepAliveMs, timers };
    return within(
      limit,
      async () => {
        if ((await readFirstByte(client)) !== HANDSHAKE) throw garbage();
        const isOwn = (name: string) => this.#isOwn(name, place);
        return (await terminator.accept(client, isOwn)).socket;
      },
      () =>
        new BlockcloudError("PROXY_HANDSHAKE_TIMEOUT", "The program did not finish TLS.", {
          remedy: "Try again.",
        }),
    );
  }

  /** Whether a program sends a request of this service, and may read why the service cannot be reached. */
  async #hasAsked(client: Socket, place: MappedPlace): Promise<boolean> {
    const { settings, timers } = this.#context;
    const first = await sniff(client, undefined, {
      ...{ maxBytes: settings.maxHeadBytes, timers },
      ...{ firstByteMs: SPEAK_MS, headMs: SPEAK_MS },
    }).catch(() => undefined);
    // Whatever became of it, the error of the dialling is the one that is reported.
    return first?.kind === "request" && (await this.#namesAll(first.authorities, place));
  }

  /** Reads what comes first where either side may speak; the flow is destroyed if the program is refused. */
  async #judge(
    client: Socket,
    flow: Duplex,
    place: MappedPlace,
    found: (isRequest: boolean) => void,
  ): Promise<Sniffed> {
    try {
      const first = await this.#sniff(client, flow);
      found(first.kind === "request" || first.kind === "refused");
      await this.#check(first, place);
      return first;
    } catch (error) {
      flow.destroy(error instanceof Error ? error : undefined);
      throw error;
    }
  }

  #sniff(client: Socket, flow: Duplex | undefined): Promise<Sniffed> {
    const { settings, timers } = this.#context;
    return sniff(client, flow, {
      maxBytes: settings.maxHeadBytes,
      firstByteMs: flow === undefined ? settings.keepAliveMs : undefined,
      headMs: settings.handshakeMs,
      timers,
    });
  }

  async #dial(client: Socket, { serviceId, port }: MappedPlace): Promise<Duplex> {
    const watched = watchProgram(client);
    try {
      const isHttps = port === HTTPS.from && this.#terminator !== undefined;
      const ofService = isHttps ? HTTPS.to : port;
      const asked = { host: rawName(serviceId), port: ofService, form: "mapped" } as const;
      return await this.#context.route.open(asked, client, watched.signal);
    } finally {
      watched.release();
    }
  }

  async #join(client: Socket, flow: Duplex, first: Sniffed): Promise<void> {
    if (client.destroyed) {
      flow.destroy(clientGone());
      return;
    }
    if (first.kind === "ended" && first.bytes.length > 0) flow.write(first.bytes);
    if (first.kind === "server") this.#watchLater(client, flow);
    await join(client, flow, "mapped", this.#context);
  }

  /** A page can send a request to a service that spoke first, too: none is passed on. Nothing waits for this check. */
  #watchLater(client: Socket, flow: Duplex): void {
    client.prependOnceListener("data", (chunk: Buffer) => {
      const first = readFirstBytes(chunk, this.#context.settings.maxHeadBytes);
      if (first.kind !== "request" && first.kind !== "refused") return;
      const error = foreignHost("the service speaks another protocol");
      report(error, "mapped", this.#context);
      flow.destroy(error);
    });
  }

  /** @throws BlockcloudError `PROXY_HOST_REFUSED` for a request that does not name this service. */
  async #check(first: Sniffed, place: MappedPlace): Promise<void> {
    if (first.kind === "refused") throw foreignHost(first.why);
    if (first.kind !== "request") return;
    if (!(await this.#namesAll(first.authorities, place)))
      throw foreignHost("its Host is another's");
  }

  async #namesAll(authorities: readonly string[], place: MappedPlace): Promise<boolean> {
    for (const authority of authorities) if (!(await this.#isOwn(authority, place))) return false;
    return true;
  }

  async #isOwn(authority: string, { serviceId, port }: MappedPlace): Promise<boolean> {
    const found = readAuthority(authority, port);
    const name = found?.host.toLowerCase().replace(/\.$/, "") ?? "";
    if (found?.port !== port || !isInZones(name)) return false;
    try {
      const parsed = parseName(name);
      if (parsed.kind === "id") return parsed.serviceId === serviceId;
      return (await this.#serviceOf(canonicalName(name))) === serviceId;
    } catch (error) {
      // A name without a service is no name of this one. If it cannot be found out, the error says so.
      if (error instanceof BlockcloudError && NO_SERVICE.has(error.code)) return false;
      throw error;
    }
  }
}

const NO_SERVICE: ReadonlySet<string> = new Set([
  resolveErrors.invalid,
  resolveErrors.unknown,
  resolveErrors.inactive,
  resolveErrors.noRecord,
  resolveErrors.delegation,
  resolveErrors.dropped,
]);

function foreignHost(why: string): BlockcloudError {
  return new BlockcloudError(
    "PROXY_HOST_REFUSED",
    `The request does not belong to this address: ${why}.`,
    { remedy: "Use the name of the service in the URL, and let it lead to this address." },
  );
}
