/** Processor time of this process, user and system, microseconds. */
export function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
