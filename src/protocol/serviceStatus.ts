/** States of a service, by the registry's numbers. */
export const serviceStatuses = [
  "None",
  "Active",
  "Unstaked",
  "Maintenance",
  "Suspended",
  "Retired",
  "Keyless",
] as const;
export type ServiceStatus = (typeof serviceStatuses)[number];

/** The state of a number; `None` for one that this software does not know. */
export function serviceStatus(number: number): ServiceStatus {
  return serviceStatuses[number] ?? "None";
}
