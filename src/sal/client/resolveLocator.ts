import { isAddressEqual, zeroAddress, type Hex } from "viem";
import type { Scheduler } from "../../node/scheduler.ts";
import { readDelegation } from "../../protocol/delegation.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { endpointRecords, type Endpoint, type EndpointRecord } from "../../protocol/record.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import type { Domain } from "../../protocol/typedData.ts";
import { resolveErrors, type Answer } from "../../resolver/answer.ts";
import { drawPriorities, type Random } from "../../resolver/order.ts";
import type { ResolveSource } from "../../resolver/sources.ts";
import type { Located, LocatedChange, Locator } from "./locator.ts";

/** How often another resolver is asked for changes of a service, milliseconds: it is told, and this process is not. */
const POLL_MS = 10_000;
/** Time limit of one of these questions, milliseconds. */
const ASK_MS = 10_000;

export interface ResolveLocatorDependencies {
  /** Started; its answers are checked against the chain. */
  source: () => Promise<ResolveSource>;
  clock: Scheduler;
  /** Draws endpoints. */
  random?: Random | undefined;
}

/** Finds services for the SAL by a resolver, and fails closed: an answer that the chain does not confirm is none. */
export class ResolveLocator implements Locator {
  readonly #domain: Domain;
  readonly #source: () => Promise<ResolveSource>;
  readonly #clock: Scheduler;
  readonly #random: Random;

  constructor(options: { domain: Domain }, dependencies: ResolveLocatorDependencies) {
    this.#domain = options.domain;
    this.#source = dependencies.source;
    this.#clock = dependencies.clock;
    this.#random = dependencies.random ?? Math.random;
  }

  async locate(service: string, signal: AbortSignal): Promise<Located> {
    const source = await this.#source();
    return this.#answered(await source.ask(service, signal));
  }

  async relocate(serviceId: Hex, newerThan: number, signal: AbortSignal): Promise<Located> {
    const source = await this.#source();
    return this.#answered(await source.ask(serviceId, signal, newerThan));
  }

  watch(serviceId: Hex, listener: (change: LocatedChange) => void): () => void {
    const over = new AbortController();
    const { signal } = over;
    void this.#source().then(
      (source) => {
        if (signal.aborted) return;
        if (source.watch === undefined) {
          this.#poll(source, serviceId, listener, signal);
          return;
        }
        const unwatch = source.watch(serviceId, (change) => {
          if ("answer" in change) listener({ located: this.#read(change.answer) });
          else listener({ error: new BlockcloudError(change.error.code, change.error.message) });
        });
        signal.addEventListener("abort", unwatch, { once: true });
      },
      // The next lookup of the service reports the error.
      () => undefined,
    );
    return () => {
      over.abort();
    };
  }

  async check(serviceId: Hex, record: Hex, signal: AbortSignal): Promise<Located> {
    const source = await this.#source();
    const verified = await source.verifyRecord(record, signal);
    if (verified.record.serviceId.toLowerCase() !== serviceId) {
      throw new BlockcloudError("RECORD_MALFORMED", "The record is of another service.");
    }
    return this.#located(verified.record, verified.signer, verified.delegation?.expiresAt);
  }

  #poll(
    source: ResolveSource,
    serviceId: Hex,
    listener: (change: LocatedChange) => void,
    signal: AbortSignal,
  ): void {
    let cancel = () => {};
    const ask = async () => {
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
        listener({ located: this.#answered(await source.ask(serviceId, limit)) });
      } catch (error) {
        if (error instanceof BlockcloudError && !signal.aborted) listener({ error });
      }
      if (!signal.aborted) plan();
    };
    const plan = () => {
      cancel = this.#clock.after(POLL_MS, () => void ask());
    };
    signal.addEventListener(
      "abort",
      () => {
        cancel();
      },
      { once: true },
    );
    plan();
  }

  #answered({ answer, verified }: { answer: Answer; verified: boolean }): Located {
    if (verified) return this.#read(answer);
    throw new BlockcloudError("ANSWER_UNCHECKED", "The answer was not checked against the chain.", {
      remedy: "Give an RPC endpoint of your own.",
    });
  }

  #read(answer: Answer): Located {
    const { serviceId, record, service } = answer;
    if (record === undefined || service === undefined) {
      throw new BlockcloudError(
        resolveErrors.noRecord,
        `A rule of the service table replaces the record of ${serviceId}.`,
        { remedy: "The SAL needs the service's signed record: remove the rule." },
      );
    }
    const { message } = endpointRecords.decode(record);
    const { self } = parseServiceId(serviceId);
    const isRoot = isAddressEqual(self, zeroAddress);
    const until = isRoot
      ? undefined
      : readDelegation(serviceId, message.delegation, this.#domain).delegation.expiresAt;
    const located = this.#located(message, isRoot ? service.key : self, until);
    return { ...located, serviceId, endpoints: this.#draw(answer.endpoints) };
  }

  #located(
    record: EndpointRecord,
    key: Located["key"],
    delegatedUntil: bigint | undefined,
  ): Located {
    return {
      serviceId: record.serviceId.toLowerCase() as Hex,
      key,
      endpoints: this.#draw(record.endpoints),
      issuedAt: Number(record.issuedAt),
      delegatedUntil: delegatedUntil === undefined ? undefined : Number(delegatedUntil),
    };
  }

  /** By priority, and drawn by weight each time: an answer has its order for all transports together. */
  #draw(endpoints: readonly Endpoint[]): string[] {
    const spoken = endpoints.filter(({ uri }) => uri.startsWith("sal://"));
    return drawPriorities(spoken, this.#random).map(({ uri }) => uri);
  }
}
