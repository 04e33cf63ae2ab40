/** Work of one lane. */
export interface Task {
  lane: string;
  /** Tasks that must end before this one begins; in another lane, or earlier in the same. */
  after?: readonly Task[];
  run(): Promise<void>;
}

/**
 * Runs tasks in lanes, in the given order; the width of a lane is its number of concurrent tasks. A task that waits
 * for another keeps its place.
 */
export async function runInLanes(
  tasks: readonly Task[],
  widths: Readonly<Record<string, number>>,
): Promise<void> {
  const ended = new Map(tasks.map((task) => [task, Promise.withResolvers<undefined>()]));
  const work = async (waiting: Task[]) => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      // A task that is not part of this run is not awaited.
      for (const other of task.after ?? []) await ended.get(other)?.promise;
      await task.run();
      ended.get(task)?.resolve(undefined);
    }
  };
  const lanes = Map.groupBy(tasks, ({ lane }) => lane);
  await Promise.all(
    [...lanes].flatMap(([lane, waiting]) =>
      Array.from({ length: widths[lane] ?? 1 }, () => work(waiting)),
    ),
  );
}
