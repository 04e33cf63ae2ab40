/** Turns of the event loop without a change after which nothing more moves by itself. */
const QUIET_TURNS = 300;

/** Waits until a number no longer changes though everything in this process had its turn, and returns it. */
export async function settled(value: () => number): Promise<number> {
  let last = value();
  for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (value() === last) continue;
    last = value();
    quiet = 0;
  }
  return last;
}
