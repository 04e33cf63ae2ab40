/** A clock and one-shot timers, injected so that tests can control time. */
export interface Scheduler {
  /** Monotonic milliseconds, unrelated to wall time. */
  monotonic(): number;
  /** Calls back once after a time; the returned function cancels that. */
  after(milliseconds: number, act: () => void): () => void;
}

/** The process's own clock. Its timers do not keep the process alive: an open connection does. */
export const systemScheduler: Scheduler = {
  monotonic: () => performance.now(),
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
