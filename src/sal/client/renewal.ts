import type { Link } from "../transport/link.ts";

/**
 * TLS records that one key of a link may protect. AES-GCM allows 2^24.5 (RFC 8446, 5.5), so 6.9 million are left for
 * the time that a resumption takes.
 */
const MAX_RECORDS = 2 ** 24;
/** If no other link was found, the next search follows after this share of the limit. */
const AGAIN_SHARE = 1 / 64;

/**
 * Says when a session needs a fresh link because of its age in records. The client looks at both directions: what one
 * side sends, the other receives, so the provider need not ask.
 */
export class Renewal {
  readonly #most: number;
  #link: Link | undefined;
  #dueAt = 0;

  constructor(most = MAX_RECORDS) {
    this.#most = most;
  }

  /** Whether another link is to be found now; true once for each limit that is reached. */
  isDue(link: Link): boolean {
    if (link !== this.#link) {
      this.#link = link;
      this.#dueAt = this.#most;
    }
    const { records } = link;
    if (records < this.#dueAt) return false;
    this.#dueAt = records + Math.ceil(this.#most * AGAIN_SHARE);
    return true;
  }
}
