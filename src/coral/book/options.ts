/** Bounds of the messages that a node holds and accepts. */
export interface BookLimits {
  /** Endpoint records in memory. */
  records: number;
  /** Endpoint records under one root service, so that no service crowds out the others. */
  recordsPerRoot: number;
  /** Name records in memory. */
  names: number;
  namesPerRoot: number;
  /**
   * Version floors on disk for a root service and its sub-services. Beyond that a new floor is refused; no
   * old one is dropped.
   */
  floorsPerRoot: number;
  /** Concurrent reads of the chain. */
  reads: number;
  /** New versions of one service, because valid updates can flood a node, too. */
  updates: { perSecond: number; burst: number };
  /** New versions of all services under one root. */
  updatesPerRoot: { perSecond: number; burst: number };
}

/** Limits for a node on a small machine: about 300 MB of memory when all bounds are reached. */
export const defaultBookLimits: BookLimits = {
  records: 100_000,
  recordsPerRoot: 20_000,
  names: 50_000,
  namesPerRoot: 10_000,
  floorsPerRoot: 50_000,
  reads: 256,
  updates: { perSecond: 10, burst: 200 },
  updatesPerRoot: { perSecond: 500, burst: 5_000 },
};
