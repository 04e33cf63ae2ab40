import { createHash } from "node:crypto";
import { fieldList, PreparedResponse } from "../../node/http/response.ts";
import type { Answer } from "../answer.ts";
import { answerToJson } from "../answerSchema.ts";

/** Pages of any origin may send requests: there are no cookies, and all answers are public. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "ETag",
  "x-content-type-options": "nosniff",
};
const COMMON_FIELDS = fieldList(COMMON_HEADERS);

/** An answer in the form that is sent. */
export class Representation {
  /** JSON. */
  readonly text: string;
  /**
   * Equal for answers with the same meaning: made from the record, its source, and the service's state on
   * chain.
   */
  readonly etag: string;
  #response: PreparedResponse | undefined;
  #cacheControl = "";

  constructor(text: string, etag: string) {
    this.text = text;
    this.etag = etag;
  }

  /** The whole response; made again when the time changes for which clients may cache it. */
  response(cacheControl: string): PreparedResponse {
    if (this.#response === undefined || this.#cacheControl !== cacheControl) {
      const { etag, text } = this;
      const own = ["etag", etag, "cache-control", cacheControl, "content-type", "application/json"];
      this.#response = new PreparedResponse(200, [...COMMON_FIELDS, ...own], text);
      this.#cacheControl = cacheControl;
    }
    return this.#response;
  }
}

/** Created once for each answer, because resolvers return the same object repeatedly. */
const made = new WeakMap<Answer, Representation>();

/** Serialises an answer with a weak validator (RFC 9110, 8.8.1), which ignores orders and block numbers. */
export function represent(answer: Answer): Representation {
  const known = made.get(answer);
  if (known !== undefined) return known;
  const json = answerToJson(answer);
  const same = {
    ...json,
    // An answer to a raw ID has no name.
    name: undefined,
    endpoints: json.endpoints.map((endpoint) => JSON.stringify(endpoint)).sort(),
    service: { ...json.service, block: undefined },
  };
  const digest = createHash("sha256").update(JSON.stringify(same)).digest("base64url");
  const representation = new Representation(JSON.stringify(json), `W/"${digest.slice(0, 22)}"`);
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
