/** The chain ID of the embedded chain. */
export const EMBEDDED_CHAIN = 31_337;

/** Whether a page may use it: on the embedded chain, and only if config.json says so. */
export function mayUseEmbedded(config: {
  embedded?: boolean | undefined;
  deployment: { chainId: number };
}): boolean {
  return config.embedded === true && config.deployment.chainId === EMBEDDED_CHAIN;
}
