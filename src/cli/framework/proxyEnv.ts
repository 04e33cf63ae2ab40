import type { Environment } from "./io.ts";

/** What programs look at that go through a proxy. */
const NAMES = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];

/**
 * Says that a proxy is named and not used: Node goes through one where it is told to, by
 * `NODE_USE_ENV_PROXY=1`. The proxy's address may hold a password and is not told.
 */
export function unusedProxy(env: Environment): string | undefined {
  const isSet = (name: string) => (env[name] ?? "").trim() !== "";
  const named = NAMES.flatMap((name) => [name, name.toLowerCase()]).find(isSet);
  if (named === undefined || env.NODE_USE_ENV_PROXY === "1") return undefined;
  return `${named} is set and not used for RPC endpoints: set NODE_USE_ENV_PROXY=1 to go through it.`;
}
