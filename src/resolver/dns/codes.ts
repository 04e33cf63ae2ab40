/** Record types that are served or handled separately (IANA, "DNS parameters"). */
export const types = {
  A: 1,
  NS: 2,
  SOA: 6,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  URI: 256,
} as const;

/** Response codes (RFC 1035, RFC 6891). */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

/** Extended error codes (RFC 8914). */
export const extendedErrors = {
  OTHER: 0,
  BLOCKED: 15,
  NOT_AUTHORITATIVE: 20,
  NO_REACHABLE_AUTHORITY: 22,
} as const;

/** The class of all records that are served. */
export const CLASS_IN = 1;
/** Bytes of a message's header. */
export const HEADER_BYTES = 12;
/** Largest UDP message for a client without EDNS, bytes (RFC 1035, 2.3.4). */
export const MIN_UDP_BYTES = 512;
/**
 * Largest UDP message that is sent, bytes: it passes usual paths without fragmentation (DNS flag day 2020).
 */
export const MAX_UDP_BYTES = 1232;
