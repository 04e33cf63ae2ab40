import { randomBytes } from "node:crypto";
import { isAddressEqual, type Address } from "viem";
import type { Directory } from "../chain/directory.ts";
import type { Scheduler } from "../node/scheduler.ts";
import type { Logger } from "../node/logger.ts";
import { bytesToHex } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { checkReservation } from "../protocol/reservation.ts";
import { parseServiceId } from "../protocol/serviceId.ts";
import type { Domain } from "../protocol/typedData.ts";
import { salError } from "../sal/errors.ts";
import { VISITOR_LABEL } from "../sal/relay/carrier.ts";
import { ControlLink } from "../sal/relay/controlLink.ts";
import { relayError } from "../sal/relay/errors.ts";
import {
  decodeReserve,
  encodePlace,
  MAX_RELAY_NAME,
  NONCE_BYTES,
  RELAY_CHANNEL_LABEL,
  RelayFrame,
  TOKEN_BYTES,
  type ReserveMessage,
} from "../sal/relay/frames.ts";
import type { Link } from "../sal/transport/link.ts";
import { Holder, type Tokens } from "./holder.ts";
import type { Reservations } from "./reservations.ts";

/** A provider asks every 3 s; one that is silent for longer has lost its network. */
const SILENT_MS = 15_000;
/** Longest timer, milliseconds: a delegation may end later. */
const LONGEST_MS = 2 ** 31 - 1;

export interface RegistrarDependencies {
  clock: Scheduler;
  log: Logger;
  /** The keys of services, by an RPC endpoint of the relay's own. */
  directory: Pick<Directory, "rootKey" | "onChange">;
  /** The chain's time, Unix milliseconds. */
  now(): number;
  observer?: { reserved(): void; refused(code: string): void; ended(): void } | undefined;
}

/** Takes the reservations of providers, and ends them when the key that made them does not hold any more. */
export class Registrar {
  readonly #names: ReadonlySet<string>;
  readonly #domain: Domain;
  readonly #reservations: Reservations;
  readonly #tokens: Tokens;
  readonly #dependencies: RegistrarDependencies;
  readonly #controls = new Set<ControlLink>();
  #unwatch = () => {};
  /** Changes of services that the chain told. */
  #changes = 0;

  /** @param parts.names `host:port` of the relay, in all the ways in which providers dial it. */
  constructor(
    parts: {
      names: readonly string[];
      domain: Domain;
      reservations: Reservations;
      tokens: Tokens;
    },
    dependencies: RegistrarDependencies,
  ) {
    this.#names = new Set(parts.names);
    this.#domain = parts.domain;
    this.#reservations = parts.reservations;
    this.#tokens = parts.tokens;
    this.#dependencies = dependencies;
  }

  start(): void {
    this.#unwatch = this.#dependencies.directory.onChange((number) => {
      void this.#changed(number);
    });
  }

  /** Tells all providers that the relay stops. */
  stop(): void {
    this.#unwatch();
    for (const control of [...this.#controls]) {
      control.refuse(relayError("lost", "The relay stops."));
    }
  }

  /**
   * Takes a provider's connection.
   *
   * @param signal Aborts when its handshake takes too long.
   * @returns When the reservation holds, or the connection is over.
   */
  accept(link: Link, signal: AbortSignal): Promise<void> {
    const { clock, log, observer } = this.#dependencies;
    const nonce = randomBytes(NONCE_BYTES);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const over = new AbortController();
    let holder: Holder | undefined;
    let isAsked = false;
    const control = new ControlLink(
      link,
      {
        frame: (type, payload) => {
          if (type === RelayFrame.reserve && !isAsked) {
            isAsked = true;
            const made = (reserved: Holder) => {
              holder = reserved;
              resolve(undefined);
            };
            this.#reserve(control, nonce, decodeReserve(payload), over.signal, made).catch(
              (error: unknown) => {
                control.refuse(asBlockcloudError(error));
              },
            );
          } else if (type === RelayFrame.decline && payload.length === TOKEN_BYTES) {
            holder?.declined(payload);
          } else throw relayError("refused", `A frame of type ${type} is out of place.`);
        },
        ended: (error) => {
          over.abort(error);
          this.#controls.delete(control);
          if (holder === undefined) {
            log.debug("a reservation was refused", { address: link.peer.address, error });
            observer?.refused(error.code);
          } else {
            this.#end(holder);
          }
          resolve(undefined);
        },
      },
      clock,
      { pingMs: 0, silentMs: SILENT_MS },
    );
    this.#controls.add(control);
    signal.addEventListener(
      "abort",
      () => {
        if (holder === undefined) control.refuse(signal.reason as BlockcloudError);
      },
      { once: true },
    );
    control.send(RelayFrame.challenge, nonce);
    // A provider finds out by this what kind of NAT it is behind.
    control.send(RelayFrame.seen, encodePlace(link.peer));
    return promise;
  }

  async #reserve(
    control: ControlLink,
    nonce: Buffer,
    message: ReserveMessage,
    signal: AbortSignal,
    made: (holder: Holder) => void,
  ): Promise<void> {
    const { link } = control;
    const { clock, now, log, observer } = this.#dependencies;
    const { serviceId, relay, issuedAt, signature, delegation } = message;
    const { address } = link.peer;
    if (relay.length > MAX_RELAY_NAME || !this.#names.has(relay)) {
      const told = relay.slice(0, MAX_RELAY_NAME);
      throw relayError("name", `The reservation is for ${told}, which is not this relay.`);
    }
    this.#reservations.checkRoom(address);
    const instance = message.instance.toString("hex");
    const reservation = {
      ...{ serviceId, relay, issuedAt },
      instance: bytesToHex(message.instance),
      nonce: bytesToHex(nonce),
      channel: bytesToHex(link.exporter(RELAY_CHANNEL_LABEL)),
    };
    const { until, rootKey } = await this.#check(reservation, signature, delegation, signal);
    signal.throwIfAborted();
    // Others may have come while the chain was asked.
    this.#reservations.checkRoom(address);
    const key = link.exporter(VISITOR_LABEL);
    const share = this.#reservations.shareOf(address);
    const parts = { serviceId, instance, control, key, share, rootKey };
    const holder = new Holder(parts, this.#tokens, clock);
    const before = this.#reservations.add(holder);
    made(holder);
    if (until !== undefined) {
      const left = Math.min(LONGEST_MS, Math.max(0, until - now()));
      const cancel = clock.after(left, () => {
        control.refuse(relayError("refused", "The delegation has ended."));
      });
      signal.addEventListener("abort", cancel, { once: true });
    }
    observer?.reserved();
    log.info("a service is led here", { serviceId, instance, address });
    control.send(RelayFrame.reserved, encodePlace(link.peer));
    // Before its connections close: their visitors try again, too.
    before?.end(holder);
    before?.parts.control.refuse(salError("lost", "The instance has reserved again."));
    holder.replenish();
  }

  /** Checks the signature; asks the chain again if the service changed while it was asked. */
  async #check(
    reservation: Parameters<typeof checkReservation>[0],
    signature: ReserveMessage["signature"],
    delegation: ReserveMessage["delegation"],
    signal: AbortSignal,
  ): Promise<{ until: number | undefined; rootKey: Address }> {
    const { directory, now } = this.#dependencies;
    const { prefix } = parseServiceId(reservation.serviceId);
    let root: Awaited<ReturnType<Directory["rootKey"]>>;
    for (let changes = -1; changes !== this.#changes;) {
      changes = this.#changes;
      root = await directory.rootKey(prefix, signal);
    }
    if (root?.active !== true) {
      throw relayError("refused", `Service ${prefix} is not active.`);
    }
    const context = { domain: this.#domain, now: now(), rootKey: root.key };
    const until = checkReservation(reservation, signature, delegation, context);
    return { until, rootKey: root.key };
  }

  /** A service has changed on chain: the reservations of a key that holds no longer end. */
  async #changed(number: bigint): Promise<void> {
    this.#changes += 1;
    const { directory, log } = this.#dependencies;
    if (this.#reservations.ofRoot(number).length === 0) return;
    const root = await directory.rootKey(number).catch((error: unknown) => {
      // Its providers come back at once, and are checked then.
      log.warn("a changed service cannot be checked", { number, error });
      return undefined;
    });
    for (const { parts } of this.#reservations.ofRoot(number)) {
      const holds = root?.active === true && isAddressEqual(root.key, parts.rootKey);
      if (!holds) parts.control.refuse(relayError("lost", "The service has changed on chain."));
    }
  }

  #end(holder: Holder): void {
    const { log, observer } = this.#dependencies;
    const { serviceId, instance } = holder.parts;
    this.#reservations.remove(holder);
    holder.end();
    observer?.ended();
    log.info("a service is led here no longer", { serviceId, instance });
  }
}

function asBlockcloudError(error: unknown): BlockcloudError {
  if (error instanceof BlockcloudError) return error;
  return relayError("refused", "The reservation could not be checked.", error);
}
