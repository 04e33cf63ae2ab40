import { useEffect, useState } from "react";

/** A place in the page: the part of the address after `#`. */
export interface Place {
  /** Segments of the path, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** Longest fragment that is read. */
const MAX_FRAGMENT = 4096;

/** Reads a fragment. It comes from a link, and so from anybody. */
export function parsePlace(fragment: string): Place {
  const text = fragment.replace(/^#?\/?/, "").slice(0, MAX_FRAGMENT);
  const [path = "", query = ""] = text.split("?", 2);
  const segments = path.split("/").filter((segment) => segment !== "");
  return { path: segments.map(decoded), query: new URLSearchParams(query) };
}

/** The address of a place, for `href`. */
export function linkTo(
  path: readonly string[],
  query: Readonly<Record<string, string>> = {},
): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  const text = search.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

/** The current place. The fragment needs no rule of the web server, so any static server will do. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => parsePlace(location.hash));
  useEffect(() => {
    const changed = () => {
      setPlace(parsePlace(location.hash));
    };
    addEventListener("hashchange", changed);
    return () => {
      removeEventListener("hashchange", changed);
    };
  }, []);
  return place;
}

/** Goes to a place; `replace` leaves no entry in the history, for filters. */
export function goTo(link: string, options: { replace?: boolean } = {}): void {
  if (options.replace !== true) {
    location.hash = link;
    return;
  }
  history.replaceState(null, "", link);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A malformed escape is text.
    return segment;
  }
}
