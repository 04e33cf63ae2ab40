import { createHash } from "node:crypto";
import type { Answer } from "../answer.ts";
import { answerToJson } from "../answerSchema.ts";

/** An answer as it is sent. */
export interface Representation {
  /** JSON. */
  text: string;
  /** The same for answers that mean the same: of the record, its source, and what the chain says. */
  etag: string;
}

/** Made once for each answer: resolvers give the same object out again and again. */
const made = new WeakMap<Answer, Representation>();

/** Writes an answer, with a weak validator (RFC 9110, 8.8.1): orders and block numbers make no difference. */
export function represent(answer: Answer): Representation {
  const known = made.get(answer);
  if (known !== undefined) return known;
  const json = answerToJson(answer);
  const same = {
    ...json,
    // A watcher of an ID is told of no name.
    name: undefined,
    endpoints: json.endpoints.map((endpoint) => JSON.stringify(endpoint)).sort(),
    service: { ...json.service, block: undefined },
  };
  const digest = createHash("sha256").update(JSON.stringify(same)).digest("base64url");
  const representation = { text: JSON.stringify(json), etag: `W/"${digest.slice(0, 22)}"` };
  made.set(answer, representation);
  return representation;
}

/** Whether `If-None-Match` names a representation, compared weakly (RFC 9110, 13.1.2). */
export function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const opaque = (tag: string) => tag.trim().replace(/^W\//, "");
  return (
    ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => opaque(tag) === opaque(etag))
  );
}
