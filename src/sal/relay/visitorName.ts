/**
 * Under which address a provider counts a relay's visitor: no client has it, so a relay cannot use up the limits of a
 * direct client whose address it tells.
 *
 * @param relay The relay's number among those of the service.
 * @param address Where the relay says that the visitor is.
 */
export function visitorName(relay: number, address: string): string {
  return `_relay${relay}-${address}`;
}

/** The relay of a visitor's name; undefined for the address of a direct client. */
export function relayOfVisitor(name: string): string | undefined {
  return /^_relay\d+-/.exec(name)?.[0];
}
