import type { Metrics } from "../../node/metrics.ts";
import { pathKinds, type PathKind, type PathObserver } from "../client/dependencies.ts";

/** Metrics of the paths of a proxy's sessions. */
export class PathMetrics implements PathObserver {
  readonly #moves;
  readonly #stays;

  constructor(metrics: Metrics) {
    this.#moves = metrics.counter(
      "blockcloud_proxy_moves_total",
      "Moves of sessions, by the kind of the path on which they went on.",
      { path: pathKinds },
    );
    this.#stays = metrics.counter(
      "blockcloud_proxy_relayed_total",
      "Tries of a direct path after which a session stayed on its relay.",
    );
  }

  moved({ path }: { path: PathKind }): void {
    this.#moves.add(1, { path });
  }

  staysRelayed(): void {
    this.#stays.add(1, {});
  }
}
