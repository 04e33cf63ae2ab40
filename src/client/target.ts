import { BlockcloudError } from "../protocol/errors.ts";
import { canonicalName, isInZones, ZONE } from "../protocol/name.ts";

/** The target of a request: the service and the resource. */
export interface Target {
  /** A name or a service ID, for `parseName`. */
  service: string;
  /** Path and query, in origin form. */
  path: string;
}

const SCHEME = /^bloc:\/\//i;

/**
 * Parses the address of a resource: `weather.bloc.alt/path`, `0x<64 digits>/path`, or a URL `bloc://weather/path`, in
 * which `.bloc.alt` is optional. A fragment is not part of a request.
 *
 * @throws BlockcloudError `SERVICE_URL_INVALID`, `NAME_INVALID`.
 */
export function readTarget(input: string | URL): Target {
  const text = String(input);
  const isUrl = SCHEME.test(text);
  if (!isUrl && /^[a-z][a-z\d+.-]*:\/\//i.test(text)) {
    throw invalidUrl(text, "its scheme is not bloc:");
  }
  const [, host = "", rest = ""] = /^([^/?#]*)([^]*)$/.exec(text.replace(SCHEME, "")) ?? [];
  if (host === "") throw invalidUrl(text, "the service is missing");
  const service = isUrl ? serviceOfHost(host) : host;
  return { service: canonicalName(service), path: originForm(text, rest) };
}

/** A label stands for its name under the zone. */
function serviceOfHost(host: string): string {
  const isWhole = /^0x/i.test(host) || isInZones(host.toLowerCase().replace(/\.$/, ""));
  return isWhole ? host : `${host}.${ZONE}`;
}

/** Normalizes the path as HTTP clients do: resolves dot segments, percent-encodes other characters. */
function originForm(text: string, rest: string): string {
  const base = `http://service${/^[?#]/.test(rest) ? "/" : ""}`;
  let url: URL;
  try {
    url = new URL(`${base}${rest}`);
  } catch (cause) {
    throw invalidUrl(text, "its path is invalid", cause);
  }
  return url.pathname + url.search;
}

function invalidUrl(text: string, why: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError(
    "SERVICE_URL_INVALID",
    `Not a service's URL: ${text.slice(0, 80)}: ${why}.`,
    {
      cause,
      remedy: `Give bloc://<label>/<path>, <label>.${ZONE}/<path> or 0x<64 digits>/<path>.`,
    },
  );
}
