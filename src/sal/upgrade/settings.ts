/** How a client leaves relays, or lets clients leave them. */
export interface DirectSettings {
  /** Sessions stay on their relays. */
  relayOnly?: boolean | undefined;
  /** Paths within this host's own networks are allowed, for two ends behind one address. */
  lan?: boolean | undefined;
  /** Tries of direct paths in a minute, in all; default 10. One peer has half of them. */
  triesPerMinute?: number | undefined;
}
