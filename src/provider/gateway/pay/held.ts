import type { BodyReader } from "../../../node/http/client/message.ts";
import type { BodySource } from "../relay.ts";

/**
 * Holds the body of an answer while its payment is settled: the connection is paused, and what it still hands over is
 * kept.
 */
export function hold(message: BodySource): BodySource {
  const kept: Buffer[] = [];
  let end: ((reader: BodyReader) => void) | undefined;
  let reader: BodyReader | undefined;
  message.read({
    data: (part) => {
      if (reader === undefined) kept.push(part);
      else reader.data(part);
    },
    end: () => {
      end = (to) => {
        to.end();
      };
      if (reader !== undefined) end(reader);
    },
    failed: (cause) => {
      end = (to) => {
        to.failed(cause);
      };
      if (reader !== undefined) end(reader);
    },
  });
  message.pause();
  return {
    get isOver() {
      return message.isOver;
    },
    get isPaused() {
      return message.isPaused;
    },
    pause: () => {
      message.pause();
    },
    resume: () => {
      message.resume();
    },
    read: (to) => {
      reader = to;
      for (const part of kept.splice(0)) to.data(part);
      end?.(to);
      // The reader may have paused it again for its own reason; the first part of a body is short.
      message.resume();
    },
  };
}
