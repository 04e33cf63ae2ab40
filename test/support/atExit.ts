const left = new Set<() => void>();
let listening = false;

/**
 * Runs something when this process ends, also by SIGTERM, unless it is taken back: what a test has started
 * must not outlive it.
 *
 * @returns Takes it back.
 */
export function atExit(end: () => void): () => void {
  left.add(end);
  if (!listening) {
    listening = true;
    process.once("exit", () => {
      for (const each of left) each();
    });
    process.once("SIGTERM", () => {
      process.exit(143);
    });
  }
  return () => {
    left.delete(end);
  };
}
