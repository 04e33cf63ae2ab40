import { createSocket } from "node:dgram";
import type { Scheduler } from "../../../node/scheduler.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import type { Place } from "../../transport/link.ts";

/** Port of NAT-PMP at a gateway (RFC 6886). */
export const NAT_PMP_PORT = 5_351;
const VERSION = 0;
const ADDRESS = 0;
const MAP_TCP = 2;
/** Added to the code of a question in its answer. */
const ANSWER = 128;
const SIZES: Readonly<Record<number, number>> = { [ADDRESS]: 12, [MAP_TCP]: 16 };
/** When a question is sent again, milliseconds; after the last one it is given up: a gateway is one hop away. */
const AGAIN_MS = [250, 500, 1_000];
const REFUSALS: readonly string[] = [
  "success",
  "it does not speak NAT-PMP",
  "its owner does not allow mappings",
  "it has no address itself",
  "it has no room",
  "it knows no mappings of TCP",
];

/** A port of a gateway that leads to a port of this host. */
export interface Mapping {
  externalPort: number;
  /** How long it holds, seconds. */
  seconds: number;
}

/**
 * Asks a gateway to lead a port here, by NAT-PMP (RFC 6886). An answer counts only if it comes from the gateway, has the
 * size of its kind, and answers the question.
 */
export class NatPmp {
  readonly #gateway: Place;
  readonly #clock: Scheduler;

  constructor(gateway: Place, clock: Scheduler) {
    this.#gateway = gateway;
    this.#clock = clock;
  }

  /**
   * The gateway's own address on the outside, as it says.
   *
   * @throws BlockcloudError `MAPPING_FAILED`; or the signal's reason.
   */
  async address(signal: AbortSignal): Promise<string> {
    const answer = await this.#ask(Buffer.of(VERSION, ADDRESS), () => true, signal);
    return answer.subarray(8, 12).join(".");
  }

  /**
   * Maps a port, or renews a mapping, or takes it away.
   *
   * @param externalPort That is wished for; the gateway may give another one.
   * @param seconds 0 takes the mapping away.
   * @throws BlockcloudError `MAPPING_FAILED`; or the signal's reason.
   */
  async map(
    internalPort: number,
    externalPort: number,
    seconds: number,
    signal: AbortSignal,
  ): Promise<Mapping> {
    const question = Buffer.alloc(12);
    question[1] = MAP_TCP;
    question.writeUInt16BE(internalPort, 4);
    question.writeUInt16BE(seconds === 0 ? 0 : externalPort, 6);
    question.writeUInt32BE(seconds, 8);
    const isOurs = (answer: Buffer) => answer.readUInt16BE(8) === internalPort;
    const answer = await this.#ask(question, isOurs, signal);
    return { externalPort: answer.readUInt16BE(10), seconds: answer.readUInt32BE(12) };
  }

  #ask(
    question: Buffer,
    isOurs: (answer: Buffer) => boolean,
    signal: AbortSignal,
  ): Promise<Buffer> {
    const { address, port } = this.#gateway;
    const kind = question[1] ?? 0;
    const size = SIZES[kind] ?? 0;
    return new Promise((resolve, reject) => {
      const socket = createSocket("udp4");
      let sent = 0;
      let cancel = () => {};
      const settle = () => {
        cancel();
        signal.removeEventListener("abort", abort);
        socket.close();
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      const abort = () => {
        fail(signal.reason as Error);
      };
      const send = () => {
        const wait = AGAIN_MS[sent];
        if (wait === undefined) {
          fail(mappingFailed(`The gateway ${address} does not answer.`));
          return;
        }
        sent += 1;
        socket.send(question);
        cancel = this.#clock.after(wait, send);
      };
      // A connected socket takes packets of that place only.
      socket.connect(port, address, send);
      socket.on("error", (cause) => {
        fail(mappingFailed(`The gateway ${address} cannot be asked.`, cause));
      });
      socket.on("message", (answer) => {
        if (answer.length < 8 || answer[0] !== VERSION || answer[1] !== ANSWER + kind) return;
        const code = answer.readUInt16BE(2);
        if (code !== 0) {
          fail(
            mappingFailed(`The gateway ${address} refuses: ${REFUSALS[code] ?? `code ${code}`}.`),
          );
        } else if (answer.length === size && isOurs(answer)) {
          settle();
          resolve(answer);
        }
      });
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
    });
  }
}

/** No mapping is there. */
export function mappingFailed(what: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("MAPPING_FAILED", what, {
    cause,
    remedy: "Turn on NAT-PMP at the gateway, or map the port there by hand.",
  });
}
