import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Hex } from "viem";
import { bytesToHex } from "../../protocol/bytes.ts";
import type { Link } from "../transport/link.ts";
import { writeVarint } from "../wire/varint.ts";

/** Label of the value that receipts are bound to; it becomes public as evidence. */
const CHANNEL_LABEL = "EXPORTER-blockcloud-sal";
/** Label of a session's resume secret, which never leaves the two ends. */
const RESUME_LABEL = "EXPORTER-blockcloud-sal-resume";

type Role = "client" | "provider";

/** The value that receipts over a link are bound to (RFC 8446, 7.5). */
export function channelOf(link: Link): Hex {
  return bytesToHex(link.exporter(CHANNEL_LABEL));
}

/** What a resume's MAC covers. */
interface ResumeClaim {
  session: Buffer;
  attempt: number;
  /** Offset up to which the client has the provider's frames. */
  clientReceived: number;
  /** Offset up to which the provider has the client's frames; undefined in the client's own claim. */
  providerReceived: number | undefined;
  /** Of the link that the session goes on over. */
  channel: Hex;
}

/** The keys with which the two ends of a session recognise each other on later links. */
export class ResumeKeys {
  readonly #keys: Record<Role, Buffer>;

  private constructor(secret: Buffer) {
    const derive = (role: Role) =>
      Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), `blockcloud sal resume ${role}`, 32));
    this.#keys = { client: derive("client"), provider: derive("provider") };
  }

  /** @param link The FIRST link of the session: other links have other secrets. */
  static ofFirstLink(link: Link, session: Buffer): ResumeKeys {
    return new ResumeKeys(link.exporter(RESUME_LABEL, session));
  }

  /** The MAC of one role's claim. */
  mac(role: Role, claim: ResumeClaim): Buffer {
    const { session, attempt, clientReceived, providerReceived, channel } = claim;
    const numbers = Buffer.alloc(24);
    writeVarint(numbers, 0, attempt, 8);
    writeVarint(numbers, 8, clientReceived, 8);
    writeVarint(numbers, 16, providerReceived ?? 0, 8);
    return createHmac("sha256", this.#keys[role])
      .update(role)
      .update(session)
      .update(numbers)
      .update(Buffer.from(channel.slice(2), "hex"))
      .digest();
  }

  isMac(role: Role, claim: ResumeClaim, mac: Buffer): boolean {
    return timingSafeEqual(this.mac(role, claim), mac);
  }
}
