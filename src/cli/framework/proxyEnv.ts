import type { Environment } from "./io.ts";

/** The environment variables that configure a proxy. */
const NAMES = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];

/**
 * Warns if a proxy is configured but not used: Node uses it only with `NODE_USE_ENV_PROXY=1`. The warning
 * omits the proxy's address, which may contain a password.
 */
export function unusedProxy(env: Environment): string | undefined {
  const isSet = (name: string) => (env[name] ?? "").trim() !== "";
  const named = NAMES.flatMap((name) => [name, name.toLowerCase()]).find(isSet);
  if (named === undefined || env.NODE_USE_ENV_PROXY === "1") return undefined;
  return `${named} is set but not used for RPC endpoints: set NODE_USE_ENV_PROXY=1 to use it.`;
}
