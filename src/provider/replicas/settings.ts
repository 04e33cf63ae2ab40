import type { ListenAddress } from "../gateway/gateways.ts";

/** How one instance of several serves an ID. */
export interface ReplicaSettings {
  /** 16 hexadecimal digits; by default random. A proxy that routes by server name needs to know it. */
  instance?: string | undefined;
  /** Priority of its first endpoint; the others follow. */
  priority: number;
  /** Share of new flows among instances of one priority. */
  weight: number;
  /** Where other instances hand in their endpoints; only for the instance that publishes. */
  listen?: ListenAddress | undefined;
  /** The instance that publishes, and those that may take its place; without them this one publishes. */
  join?: readonly URL[] | undefined;
}

/** The only instance. */
export const SINGLE: ReplicaSettings = { priority: 0, weight: 1 };
