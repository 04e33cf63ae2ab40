import { isIP, type Socket } from "node:net";
import type { Hex } from "viem";
import type { DialRules } from "../../net/dialRules.ts";
import type { Logger } from "../../node/logger.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import { withSignal, type Scheduler } from "../../node/scheduler.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import type { BlockcloudError } from "../../protocol/errors.ts";
import { signReservation } from "../../protocol/reservation.ts";
import type { Domain } from "../../protocol/typedData.ts";
import type { Link, Relayed } from "../transport/link.ts";
import { dialLink } from "../transport/tlsTransport.ts";
import { salErrors } from "../errors.ts";
import { ControlLink } from "./controlLink.ts";
import { relayError } from "./errors.ts";
import {
  decodePlace,
  encodeReserve,
  NONCE_BYTES,
  RELAY_ALPN,
  RELAY_CHANNEL_LABEL,
  RelayFrame,
  TOKEN_BYTES,
  type Place,
} from "./frames.ts";
import { relayEndpoint, relayName, type RelayAddress } from "./relayName.ts";
import { VISITOR_LABEL } from "./carrier.ts";
import { visitorName } from "./visitorName.ts";
import { WaitingConnection } from "./waitingConnection.ts";

/** How long a reservation may take, from the first packet, milliseconds. */
const RESERVE_MS = 10_000;
/** When the relay is asked whether it is still there, and when it is given up, milliseconds. */
const TIMES = { pingMs: 3_000, silentMs: 10_000 };
/** First and longest pause before a lost relay is tried again, milliseconds. */
const PAUSE_MS = { first: 250, most: 30_000 };

/** Limits of what one relay may bring, whatever addresses it tells; 0: no limit for counts. */
export interface RelayLimits {
  /** Connections through one relay at a time. */
  maxVisitors?: number | undefined;
  /** Connections that a relay may ask for in a second; four times as many at once. */
  visitorsPerSecond?: number | undefined;
}

/** Who reserves. */
export interface RelayTerms {
  serviceId: Hex;
  /** Signs reservations: the key that signs records. */
  key: Uint8Array;
  /** Of a sub-service; else `0x`. */
  delegation: Hex;
  /** 8 bytes. */
  instance: Buffer;
  domain: Domain;
  limits?: RelayLimits | undefined;
}

export interface RelayLineDependencies {
  clock: Scheduler;
  log: Logger;
  /** What the operator configured may be in a private network. */
  rules: DialRules;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  /** Takes a visitor's connection; its peer's address is no direct client's. */
  accept(socket: Socket, visitor: Link["peer"], relayed: Relayed): void;
  /** The reservation was made or lost. */
  changed?: (() => void) | undefined;
  /** Draws the pause between two tries: 0 to 1. */
  random?: (() => number) | undefined;
}

/** How a line stands, for the operator. */
export interface RelayStatus {
  /** `host:port`. */
  relay: string;
  /** Where the provider's connections come from, as the relay sees it; undefined while there is no reservation. */
  observed: Place | undefined;
  /** Connections of visitors that are open. */
  visitors: number;
  /** Why there is no reservation, with the error's code; undefined if there is one, or none was tried. */
  failure: string | undefined;
}

/** A reservation that holds; `lost` settles when it is over, with the reason. */
interface Reserved {
  lost: Promise<BlockcloudError>;
}

/**
 * A provider's line to one relay: it keeps a reservation there, and opens a connection to the relay for each visitor.
 * A line that is lost is tried again until it stops.
 */
export class RelayLine {
  readonly relay: RelayAddress;
  readonly #number: number;
  readonly #terms: RelayTerms;
  readonly #dependencies: RelayLineDependencies;
  readonly #stopping = new AbortController();
  readonly #rate: RateLimit;
  readonly #waiting = new Set<WaitingConnection>();
  #visitors = 0;
  #isSucceeded = false;
  #control: ControlLink | undefined;
  #observed: Place | undefined;
  #failure: BlockcloudError | undefined;

  /** @param number The relay's number among those of the service: its visitors are counted apart from all others. */
  constructor(
    relay: RelayAddress,
    number: number,
    terms: RelayTerms,
    dependencies: RelayLineDependencies,
  ) {
    this.relay = relay;
    this.#number = number;
    this.#terms = terms;
    this.#dependencies = dependencies;
    const perSecond = terms.limits?.visitorsPerSecond ?? 100;
    const monotonic = () => dependencies.clock.monotonic();
    this.#rate = new RateLimit({ perSecond, burst: 4 * perSecond, maxPeers: 1 }, monotonic);
  }

  /** Whether clients can come through the relay now. */
  get isReserved(): boolean {
    return this.#observed !== undefined;
  }

  get endpoint(): string {
    return relayEndpoint(this.relay);
  }

  /** Where the provider's connections come from, as the relay sees it; undefined while there is no reservation. */
  get observed(): Place | undefined {
    return this.#observed;
  }

  /** Connections of visitors that are open. */
  get visitors(): number {
    return this.#visitors;
  }

  /** Why there is no reservation; undefined if there is one, or none was tried. */
  get failure(): BlockcloudError | undefined {
    return this.#failure;
  }

  get status(): RelayStatus {
    const failure = this.#failure;
    return {
      relay: relayName(this.relay),
      observed: this.#observed,
      visitors: this.#visitors,
      failure: failure && `${failure.code}: ${failure.message}`,
    };
  }

  /** Begins; resolves when the first try is over, whether or not it succeeded. */
  start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    void this.#run(() => {
      resolve(undefined);
    });
    return promise;
  }

  /** Another process goes on as this instance: it takes the reservation, as it should. */
  succeeded(): void {
    this.#isSucceeded = true;
  }

  /** Takes no more visitors; the connections of those that are here are not touched. */
  stop(): void {
    const error = relayError("lost", "The provider stops.");
    this.#stopping.abort(error);
    this.#control?.refuse(error);
    for (const each of [...this.#waiting]) each.destroy();
  }

  async #run(tried: () => void): Promise<void> {
    const { signal } = this.#stopping;
    const { random = Math.random, log } = this.#dependencies;
    const relay = relayName(this.relay);
    for (let pause = PAUSE_MS.first; !signal.aborted; pause = Math.min(2 * pause, PAUSE_MS.most)) {
      try {
        const { lost } = await this.#reserve();
        log.info("a relay leads clients here", { relay, observed: this.#observed });
        this.#failure = undefined;
        tried();
        pause = PAUSE_MS.first / 2;
        const error = await lost;
        if (signal.aborted) break;
        this.#failure = relayError("lost", `The relay ${relay} was lost.`, error);
        const isTaken = error.code === salErrors.lost;
        if (isTaken && this.#isSucceeded) {
          log.info("the relay leads clients to the process that takes this one's place", { relay });
        } else log.warn("a relay was lost", { relay, error });
        // Another process of the instance is there: two of them must not take it from each other all the time.
        if (isTaken) pause = PAUSE_MS.most;
      } catch (error) {
        if (signal.aborted) break;
        const isNew = this.#failure?.message !== (error as BlockcloudError).message;
        this.#failure = error as BlockcloudError;
        log[isNew ? "warn" : "debug"]("a relay cannot be used", { relay, error });
      }
      tried();
      // Providers that lost a relay at once do not come back at once.
      await this.#pause(pause * (0.5 + random() / 2));
    }
    tried();
  }

  async #reserve(): Promise<Reserved> {
    const { clock, rules } = this.#dependencies;
    const { host, port } = this.relay;
    const name = relayName(this.relay);
    return withSignal(
      { milliseconds: RESERVE_MS, clock, signal: this.#stopping.signal },
      () => relayError("unreachable", `The relay ${name} did not answer in ${RESERVE_MS} ms.`),
      async (signal) => {
        const target = { host, port, serverName: isIP(host) === 0 ? host : "" };
        const options = { rules, protocol: RELAY_ALPN };
        const link = await dialLink(target, options, signal).catch((error: unknown) => {
          signal.throwIfAborted();
          throw relayError("unreachable", `The relay ${name} cannot be reached.`, error);
        });
        return this.#greet(link, signal);
      },
    );
  }

  #greet(link: Link, signal: AbortSignal): Promise<Reserved> {
    const name = relayName(this.relay);
    const over = Promise.withResolvers<BlockcloudError>();
    return new Promise((resolve, reject) => {
      const late = () => {
        control.destroy(signal.reason as BlockcloudError);
      };
      signal.addEventListener("abort", late, { once: true });
      const key = link.exporter(VISITOR_LABEL);
      let isAsked = false;
      const handler = {
        frame: (type: number, payload: Buffer) => {
          switch (type) {
            case RelayFrame.challenge:
              // A signature takes a thousand times as long as the question.
              if (isAsked) throw relayError("refused", "The relay asks twice.");
              isAsked = true;
              control.send(RelayFrame.reserve, this.#reservation(payload, link));
              return;
            case RelayFrame.reserved:
              signal.removeEventListener("abort", late);
              this.#observed = decodePlace(payload);
              this.#dependencies.changed?.();
              resolve({ lost: over.promise });
              return;
            case RelayFrame.open:
              this.#open(control, payload, key);
          }
        },
        ended: (error: BlockcloudError) => {
          signal.removeEventListener("abort", late);
          this.#observed = undefined;
          this.#control = undefined;
          this.#dependencies.changed?.();
          for (const each of [...this.#waiting]) each.destroy();
          over.resolve(error);
          // After `resolve` this has no effect.
          const reason = signal.aborted ? (signal.reason as Error) : undefined;
          reject(reason ?? relayError("refused", `The relay ${name}: ${error.message}`, error));
        },
      };
      const control = new ControlLink(link, handler, this.#dependencies.clock, TIMES);
      this.#control = control;
      if (signal.aborted) late();
    });
  }

  #reservation(nonce: Buffer, link: Link): Buffer {
    const { serviceId, key, delegation, instance, domain } = this.#terms;
    if (nonce.length !== NONCE_BYTES) throw relayError("refused", "The relay sent no nonce.");
    const relay = relayName(this.relay);
    const issuedAt = BigInt(Math.floor(this.#dependencies.now()));
    const signature = signReservation(
      {
        ...{ serviceId, relay, issuedAt },
        instance: bytesToHex(instance),
        nonce: bytesToHex(nonce),
        channel: bytesToHex(link.exporter(RELAY_CHANNEL_LABEL)),
      },
      domain,
      key,
    );
    return encodeReserve({ serviceId, relay, instance, issuedAt, signature, delegation });
  }

  /** Opens a connection for a visitor, or for one that may come. */
  #open(control: ControlLink, token: Buffer, key: Buffer): void {
    if (token.length !== TOKEN_BYTES) throw relayError("refused", "The relay sent no token.");
    const { maxVisitors = 1_024 } = this.#terms.limits ?? {};
    const isFull = maxVisitors > 0 && this.#visitors + this.#waiting.size >= maxVisitors;
    if (isFull || this.#rate.take("") > 0) {
      control.send(RelayFrame.decline, token);
      return;
    }
    const { clock, accept } = this.#dependencies;
    const { address } = control.link.peer;
    const waiting = new WaitingConnection(
      {
        relay: { address, port: this.relay.port },
        token: Buffer.from(token),
        key,
        visited: (socket, ends) => {
          this.#visitors += 1;
          socket.once("close", () => {
            this.#visitors -= 1;
          });
          const { visitor } = ends;
          accept(socket, { ...visitor, address: visitorName(this.#number, visitor.address) }, ends);
        },
        over: () => {
          this.#waiting.delete(waiting);
        },
      },
      clock,
    );
    this.#waiting.add(waiting);
  }

  #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#dependencies.clock.after(milliseconds, done);
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
    });
  }
}
