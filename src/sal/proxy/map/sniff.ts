import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Timers } from "../../../node/timers.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { clientGone, flowLost } from "../errors.ts";
import { readFirstBytes, type FirstBytes } from "./requestHead.ts";

export interface SniffOptions {
  /** Largest head of a request. */
  maxBytes: number;
  /** How long the program may send nothing; undefined for no limit. */
  firstByteMs: number | undefined;
  /** How long what it has begun may stay undecided. */
  headMs: number;
  timers: Timers;
}

export type Sniffed =
  | Exclude<FirstBytes, { kind: "short" }>
  /** The service spoke first. */
  | { kind: "server" }
  /** The program ended its half after bytes of another protocol, which no reader of the connection gets any more. */
  | { kind: "ended"; bytes: Buffer };

/**
 * Reads the first bytes of a program until they are known; they stay unread. A service that speaks first ends the
 * wait: no server of HTTP does.
 *
 * @param flow The service, if it may speak first.
 * @throws BlockcloudError `PROXY_CLIENT_GONE`, `PROXY_FLOW_LOST`, `PROXY_HANDSHAKE_TIMEOUT`.
 */
export function sniff(
  client: Socket,
  flow: Duplex | undefined,
  { maxBytes, firstByteMs, headMs, timers }: SniffOptions,
): Promise<Sniffed> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    let wait = new AbortController();
    const tooLate = () => {
      // No page sends half a line and waits: another protocol does.
      if (bytes.length > 0 && !/[^\r\n]\n/.test(bytes.toString("latin1")))
        succeed({ kind: "other" });
      else fail(late());
    };
    const limit = (milliseconds: number) => {
      wait.abort();
      wait = new AbortController();
      timers.sleep(milliseconds, wait.signal).then(
        tooLate,
        // The bytes came, or the connection closed.
        () => {},
      );
    };
    const done = () => {
      wait.abort();
      client.off("readable", look).off("end", ended).off("close", gone);
      flow?.off("readable", spoke).off("end", spoke).off("close", lost);
      if (bytes.length > 0 && !client.readableEnded && !client.destroyed) client.unshift(bytes);
    };
    const fail = (error: Error) => {
      done();
      reject(error);
    };
    const succeed = (sniffed: Sniffed) => {
      done();
      resolve(sniffed);
    };
    const look = () => {
      const more = client.read() as Buffer | null;
      if (more === null) return;
      if (bytes.length === 0) limit(headMs);
      bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
      const first = readFirstBytes(bytes, maxBytes);
      if (first.kind !== "short") succeed(first);
    };
    const ended = () => {
      // Undecided after a whole line: the line is a request's.
      if (bytes.includes("\n")) succeed({ kind: "refused", why: "its head is not whole" });
      else succeed({ kind: "ended", bytes });
    };
    const gone = () => {
      fail(clientGone());
    };
    const lost = () => {
      fail(flow?.errored ?? flowLost());
    };
    const spoke = () => {
      // Half of a request has come: no answer of the service belongs to it.
      if (bytes.length === 0) succeed({ kind: "server" });
    };
    if (firstByteMs !== undefined) limit(firstByteMs);
    client.on("readable", look).once("end", ended).once("close", gone);
    flow?.on("readable", spoke).once("end", spoke).once("close", lost);
    if (client.destroyed) gone();
    else if (flow?.destroyed === true) lost();
    else if (flow !== undefined && (flow.readableLength > 0 || flow.readableEnded)) spoke();
    else look();
  });
}

function late(): BlockcloudError {
  return new BlockcloudError("PROXY_HANDSHAKE_TIMEOUT", "The program sent half of a request.", {
    remedy: "Send the head of the request at once.",
  });
}
