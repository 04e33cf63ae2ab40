import { Socket, type OnReadOpts } from "node:net";

/** Bytes that may wait in a socket before `write` says so; the lanes have a bound of their own. */
const HIGH_WATER_BYTES = 256 * 1024;

/** A connection, and what of it was read before. */
export interface Reread {
  socket: Socket;
  early: Buffer[];
  /** Whether its buffers are used again. */
  isDirect: boolean;
}

/**
 * Reads a connection that a server has accepted into buffers of one's own, from now on; it is paused. Node offers
 * `onread` to those that dial only, and else allocates 64 KiB for each read, which takes more than half of a relay's
 * processor time.
 *
 * This gives the connection's handle to a new socket, by an option that Node does not document. If this Node has no
 * such handle, or if bytes wait to be written, the old socket goes on as a stream, with the same callbacks.
 *
 * @param accepted A connection without other readers, writers or listeners.
 */
export function reread(accepted: Socket, onread: OnReadOpts): Reread {
  accepted.pause();
  const early: Buffer[] = [];
  for (let chunk = read(accepted); chunk !== null; chunk = read(accepted)) early.push(chunk);
  const holder = accepted as unknown as { _handle?: object | null };
  const handle = holder._handle;
  const isIdle = !accepted.destroyed && !accepted.readableEnded && accepted.writableLength === 0;
  if (isIdle && isHandle(handle)) {
    const options: object = { handle, onread, pauseOnCreate: true, ...HIGH_WATER };
    const socket = new Socket(options);
    holder._handle = null;
    // Without its handle it closes nothing.
    accepted.destroy();
    return { socket, early, isDirect: true };
  }
  accepted.on("data", (chunk: Buffer) => {
    if (!onread.callback(chunk.length, chunk)) accepted.pause();
  });
  accepted.pause();
  return { socket: accepted, early, isDirect: false };
}

const HIGH_WATER = {
  readableHighWaterMark: HIGH_WATER_BYTES,
  writableHighWaterMark: HIGH_WATER_BYTES,
};

function read(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}

/** Whether this is a connection as Node has them today. */
function isHandle(handle: object | null | undefined): handle is object {
  return ["useUserBuffer", "readStart", "readStop", "close"].every(
    (name) => typeof (handle as Record<string, unknown> | null | undefined)?.[name] === "function",
  );
}
