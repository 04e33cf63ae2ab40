/** A text with the colon that makes it a name, or a bracket. Nothing else in JSON matters here. */
const TOKEN = /"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g;

/**
 * The places that a JSON document gives more than once, with dots between names. `JSON.parse` takes the last of them
 * without a word, although the writer of the document may have meant the first.
 *
 * @param json A document that `JSON.parse` accepts.
 */
export function repeatedNames(json: string): string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  /** The places of the objects and lists that are open; an item of a list is a place of its own. */
  const open: { place: string; items: number | undefined }[] = [];
  let place = "";
  for (const [token] of json.matchAll(TOKEN)) {
    const parent = open.at(-1);
    if (token === "{" || token === "[") {
      if (parent?.items !== undefined) place = `${parent.place}[${parent.items++}]`;
      open.push({ place, items: token === "[" ? 0 : undefined });
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token.endsWith(":")) {
      const name = JSON.parse(token.slice(0, -1)) as string;
      place = parent === undefined || parent.place === "" ? name : `${parent.place}.${name}`;
      if (seen.has(place)) repeated.add(place);
      seen.add(place);
    }
  }
  return [...repeated];
}
