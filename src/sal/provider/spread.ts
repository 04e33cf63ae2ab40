import type { Scheduler } from "../../node/scheduler.ts";

/** Acts on all of many, ten times a second on some of them. */
export function spread<T>(
  all: T[],
  act: (each: T) => void,
  { perSecond, clock }: { perSecond: number; clock: Scheduler },
): void {
  const step = () => {
    for (const each of all.splice(0, perSecond / 10)) act(each);
    if (all.length > 0) clock.after(100, step);
  };
  step();
}
