import type { Hex } from "viem";
import { peerOf } from "../net/peer.ts";
import { PeerBounds } from "../net/peerBounds.ts";
import type { Scheduler } from "../node/scheduler.ts";
import { parseServiceId } from "../protocol/serviceId.ts";
import { relayError } from "../sal/relay/errors.ts";
import type { Holder } from "./holder.ts";
import type { RelayWorkerLimitValues } from "./limits.ts";
import { Share } from "./share.ts";

/** The reservations of a relay, by service and instance. */
export class Reservations {
  readonly #bounds: PeerBounds;
  readonly #limits: RelayWorkerLimitValues;
  readonly #clock: Scheduler;
  /** By service, then by instance. A service without reservations has no entry. */
  readonly #services = new Map<string, Map<string, Holder>>();
  /** Of the peers that have reservations, with their number. */
  readonly #shares = new Map<string, { share: Share; users: number }>();
  #turn = 0;

  constructor(limits: RelayWorkerLimitValues, clock: Scheduler) {
    this.#limits = limits;
    this.#clock = clock;
    this.#bounds = new PeerBounds({
      total: limits.maxReservations,
      perPeer: limits.maxReservationsPerPeer,
    });
  }

  get size(): number {
    return this.#bounds.size;
  }

  all(): Holder[] {
    return [...this.#services.values()].flatMap((instances) => [...instances.values()]);
  }

  /** Those of a root service and its sub-services. */
  ofRoot(number: bigint): Holder[] {
    return this.all().filter(({ parts }) => parseServiceId(parts.serviceId).prefix === number);
  }

  /** Where a visitor is led: to the instance that it names, or to one after another. */
  find(serviceId: Hex, instance: string | undefined): Holder | undefined {
    const instances = this.#services.get(serviceId);
    if (instances === undefined) return undefined;
    const named = instance === undefined ? undefined : instances.get(instance);
    if (named !== undefined) return named;
    // A provider that has started anew has another instance; it tells a client of the old one by itself.
    const all = [...instances.values()];
    this.#turn = (this.#turn + 1) % all.length;
    return all[this.#turn];
  }

  /** The share of a provider's peer; give it back by {@link remove}. */
  shareOf(address: string): Share {
    const known = this.#shares.get(peerOf(address));
    if (known !== undefined) return known.share;
    const { bytesPerSecondPerPeer: bytesPerSecond, queuedBytesPerPeer: queuedBytes } = this.#limits;
    return new Share({ bytesPerSecond, queuedBytes }, this.#clock);
  }

  /** @throws BlockcloudError `RELAY_REFUSED` at a limit. */
  checkRoom(address: string): void {
    const reached = this.#bounds.reached(address);
    if (reached === undefined) return;
    throw relayError("refused", `Too many reservations (${reached}).`);
  }

  /**
   * Adds a reservation; its holder has proved that it has the key.
   *
   * @returns The one in whose place it is: a provider that has lost its connection comes back before the old one ends.
   */
  add(holder: Holder): Holder | undefined {
    const { serviceId, instance, share } = holder.parts;
    const instances = this.#services.get(serviceId) ?? new Map<string, Holder>();
    const before = instances.get(instance);
    if (before !== undefined) this.remove(before);
    this.#services.set(serviceId, instances);
    instances.set(instance, holder);
    this.#bounds.add(holder.address);
    const peer = peerOf(holder.address);
    const known = this.#shares.get(peer);
    this.#shares.set(peer, { share: known?.share ?? share, users: (known?.users ?? 0) + 1 });
    return before;
  }

  /** Removes a reservation; without effect if another one is in its place. */
  remove(holder: Holder): void {
    const { serviceId, instance } = holder.parts;
    const instances = this.#services.get(serviceId);
    if (instances?.get(instance) !== holder) return;
    instances.delete(instance);
    if (instances.size === 0) this.#services.delete(serviceId);
    this.#bounds.remove(holder.address);
    const peer = peerOf(holder.address);
    const known = this.#shares.get(peer);
    if (known === undefined) return;
    known.users -= 1;
    if (known.users === 0) this.#shares.delete(peer);
  }
}
