import { isAddressEqual, type Address, type Hex } from "viem";
import type { Challenges } from "../chain/challenges.ts";
import { currentEpoch, type ChainTime } from "../chain/clock.ts";
import { unregistered, type Services } from "../chain/services.ts";
import type { Timers } from "../node/timers.ts";
import { HORIZON } from "../protocol/epoch.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { addressOfKey } from "../protocol/signature.ts";

/** A refusal is believed when it is found so many times: an endpoint may lag behind a registration. */
const LOOKS = 3;
/** Pause before the second look, milliseconds; each later one is longer by as much. */
const PAUSE_MS = 500;
/** An address that was never set. */
const NONE = /^0x0{40}$/;

export interface ServiceCheckDependencies {
  services: Pick<Services, "statusNow" | "key">;
  challenges: Pick<Challenges, "open" | "get">;
  time: ChainTime;
  timers: Timers;
}

/**
 * Checks that an agent can do something for a service with its key, before it listens, publishes or pays: that
 * the service exists, is not retired, and has this key. An agent that is wrong in one of them would serve
 * receipts that prove nothing, and pay for announcements that every reader discards.
 */
export class ServiceCheck {
  readonly #number: bigint;
  /** The service key, and earlier ones. */
  readonly #addresses: readonly Address[];
  readonly #d: ServiceCheckDependencies;

  constructor(
    options: { number: bigint; keys: readonly Hex[] },
    dependencies: ServiceCheckDependencies,
  ) {
    this.#number = options.number;
    this.#addresses = options.keys.map(addressOfKey);
    this.#d = dependencies;
  }

  /**
   * @throws BlockcloudError `SERVICE_UNREGISTERED`, `SERVICE_RETIRED` or `SERVICE_KEY_OTHER`; what the client
   *   throws.
   */
  async run(signal: AbortSignal): Promise<void> {
    for (let look = 1; ; look++) {
      const refusal = await this.#refusal();
      if (refusal === undefined || (await this.#hasChallenge())) return;
      if (look === LOOKS) throw refusal;
      await this.#d.timers.sleep(look * PAUSE_MS, signal);
    }
  }

  async #refusal(): Promise<BlockcloudError | undefined> {
    const { services, time } = this.#d;
    const number = this.#number;
    const status = await services.statusNow(number);
    if (status === "None") return unregistered(number);
    if (status === "Retired") {
      return new BlockcloudError("SERVICE_RETIRED", `Service ${number} is retired for ever.`, {
        remedy: `Take its pay and its stake out with blockcloud exit --service ${number}.`,
      });
    }
    const epoch = currentEpoch(time);
    // A new key signs records at once, and receipts from the next epoch but one on.
    const epochs = [epoch, epoch + 1, epoch + HORIZON];
    const keys = await Promise.all(epochs.map((each) => services.key(number, each)));
    const [own] = this.#addresses;
    if (own === undefined || keys.some((key) => isAddressEqual(key, own))) return undefined;
    const newest = keys.at(-1) ?? "";
    const isKeyless = NONE.test(newest);
    return new BlockcloudError(
      "SERVICE_KEY_OTHER",
      `The given key is ${own}'s, and service ${number} has ${isKeyless ? "no key" : `the key of ${newest}`}.`,
      {
        remedy: isKeyless
          ? `Its owner sets one: blockcloud service set-key --service ${number}.`
          : "Check --service and --service-key-file; the owner can replace the key with blockcloud service set-key.",
      },
    );
  }

  /** Whether an open challenge asks for one of our keys: then the agent must run, whatever else is wrong. */
  async #hasChallenge(): Promise<boolean> {
    const { challenges } = this.#d;
    const id = await challenges.open(this.#number);
    if (id === undefined) return false;
    const { key } = await challenges.get(id);
    return this.#addresses.some((address) => isAddressEqual(address, key));
  }
}
