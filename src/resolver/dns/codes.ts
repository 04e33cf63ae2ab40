/** Types of records that are served or treated on their own (IANA, "DNS parameters"). */
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

/** Codes that say more about an error (RFC 8914). */
export const extendedErrors = {
  OTHER: 0,
  BLOCKED: 15,
  NOT_AUTHORITATIVE: 20,
  NO_REACHABLE_AUTHORITY: 22,
} as const;

/** The class of everything that is served. */
export const CLASS_IN = 1;
/** Bytes of a message's header. */
export const HEADER_BYTES = 12;
/** What a UDP client without EDNS takes, bytes (RFC 1035, 2.3.4). */
export const MIN_UDP_BYTES = 512;
/** What goes over UDP at most, bytes: fits every usual path without fragments (DNS flag day 2020). */
export const MAX_UDP_BYTES = 1232;
