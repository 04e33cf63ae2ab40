/** Whether a service is elsewhere than it announced; the order of endpoints is not a place. */
export function hasMoved(
  live: readonly string[] | undefined,
  announced: readonly string[] | undefined,
): boolean {
  if (live === undefined || announced === undefined) return false;
  const [now, then] = [new Set(live), new Set(announced)];
  return now.size !== then.size || live.some((uri) => !then.has(uri));
}
