import { useSources } from "../context.tsx";
import { phaseAt } from "../chain/head.ts";
import { duration } from "../format.ts";
import { useChainTime } from "./now.ts";

/** The current epoch, and how much of it is left. */
export function EpochClock() {
  const { config } = useSources();
  const { epoch, share, left } = phaseAt(config.deployment, useChainTime());
  return (
    <div className="clock">
      <span>
        Epoch <b className="number">{epoch}</b>
      </span>
      <progress className="clock-bar" max={1} value={share} aria-label={`Epoch ${epoch}`} />
      <span className="number muted">{duration(left)} left</span>
    </div>
  );
}
