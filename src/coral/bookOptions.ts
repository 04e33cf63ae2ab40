/** Bounds of what a node holds and takes in. */
export interface BookLimits {
  /** Endpoint records in memory. */
  records: number;
  /** Of them under one root service, so that one cannot crowd the others out. */
  recordsPerRoot: number;
  /** Name records in memory. */
  names: number;
  namesPerRoot: number;
  /** Version floors on disk for a root service and all below it; more are refused, none is given up. */
  floorsPerRoot: number;
  /** Reads of the chain under way at one time. */
  reads: number;
  /** New versions of one service: a flood of valid updates is a flood, too. */
  updates: { perSecond: number; burst: number };
  /** New versions of all services under one root. */
  updatesPerRoot: { perSecond: number; burst: number };
}

/** What a node on a small machine can bear: some 300 MB where all bounds are reached. */
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
