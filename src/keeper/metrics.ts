import { formatEther } from "viem";
import type { Metrics } from "../node/metrics.ts";
import type { KeeperObserver } from "./observer.ts";

/** Names of the duties, as in the log. */
export const dutyNames = [
  "tick",
  "report",
  "resolve",
  "collect",
  "fees",
  "suspend",
  "lapse",
  "settle",
  "release",
];

/** A keeper's metrics. */
export class KeeperMetrics implements KeeperObserver {
  readonly #done;
  readonly #skipped;
  readonly #failures;
  readonly #earned;
  readonly #spent;
  readonly #followed;

  constructor(metrics: Metrics) {
    const duty = { duty: dutyNames };
    this.#done = metrics.counter("blockcloud_keeper_chores_done_total", "Chores done.", duty);
    this.#skipped = metrics.counter(
      "blockcloud_keeper_chores_skipped_total",
      "Chores that were due but unprofitable.",
      duty,
    );
    this.#failures = metrics.counter(
      "blockcloud_keeper_duty_failures_total",
      "Rounds of a duty that failed.",
      duty,
    );
    this.#earned = metrics.counter(
      "blockcloud_keeper_earned_bloc_total",
      "BLOC earned by chores.",
      duty,
    );
    this.#spent = metrics.counter(
      "blockcloud_keeper_fees_wei_total",
      "Ether paid for chores, wei.",
      duty,
    );
    this.#followed = metrics.gauge(
      "blockcloud_keeper_followed_block",
      "Block up to which events were read.",
    );
  }

  done(duty: string, { reward, feeWei }: { reward: bigint; feeWei: bigint }): void {
    this.#done.add(1, { duty });
    this.#earned.add(Number(formatEther(reward)), { duty });
    this.#spent.add(feeWei, { duty });
  }

  lost(duty: string, feeWei: bigint): void {
    this.#spent.add(feeWei, { duty });
  }

  skipped(duty: string): void {
    this.#skipped.add(1, { duty });
  }

  failed(duty: string): void {
    this.#failures.add(1, { duty });
  }

  followed(block: bigint): void {
    this.#followed.set(block, {});
  }
}
