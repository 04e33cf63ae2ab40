import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { GapMeter } from "./gap.ts";
import type { Change, Paths } from "./stage.ts";

/** An application over plain TCP that dials again after an error or this long a silence, milliseconds. */
const SILENCE_MS = 1_000;
/** Its transfers are cut into units of this size; a unit that broke off is asked for again. */
const UNIT_BYTES = 2 ** 20;

/** What one move cost the application. */
export interface Loss {
  gapMs: number;
  /** Bytes that TCP had taken from the server and never gave to the client. */
  lost: number;
  /** Bytes that come twice where the application asks for its last unit again. */
  repeated: number;
}

interface Reader {
  paths: Paths;
  network: number;
  place: number;
  meter: GapMeter;
  socket: Socket | undefined;
  /** Offset after the last byte that came. */
  offset: number;
  lost: number;
  repeated: number;
  isStopped: boolean;
}

let reader: Reader | undefined;

async function tcpBegin(paths: Paths): Promise<void> {
  const meter = new GapMeter();
  const state: Reader = {
    ...{ paths, network: 0, place: 0, meter, socket: undefined },
    ...{ offset: 0, lost: 0, repeated: 0, isStopped: false },
  };
  reader = state;
  dial(state);
  await meter.around();
}

function dial(state: Reader): void {
  const port = state.paths.ports[state.network]?.[state.place] ?? 0;
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  state.socket = socket;
  let head = Buffer.alloc(0);
  socket.setTimeout(SILENCE_MS, () => socket.destroy());
  socket.on("error", () => {
    // The application dials again when it is closed.
  });
  socket.on("data", (chunk: Buffer) => {
    if (head.length < 6) {
      head = Buffer.concat([head, chunk]);
      if (head.length < 6) return;
      const offset = head.readUIntBE(0, 6);
      state.lost = offset - state.offset;
      state.repeated = state.offset % UNIT_BYTES;
      state.offset = offset + head.length - 6;
      if (state.offset > offset) state.meter.heard();
      return;
    }
    if (state.isStopped) return;
    state.offset += chunk.length;
    state.meter.heard();
  });
  socket.on("close", () => {
    if (state.isStopped) return;
    void pause(state.paths.lookupMs).then(() => {
      state.meter.over();
      dial(state);
    });
  });
}

/** Changes the surroundings; resolves when the application reads again. */
async function tcpMove({ network, place }: Change): Promise<Loss> {
  if (reader === undefined) throw new Error("Nothing runs.");
  const state = reader;
  const gap = state.meter.during();
  state.network = network ?? state.network;
  state.place = place ?? state.place;
  const gapMs = await gap;
  return { gapMs, lost: state.lost, repeated: state.repeated };
}

function tcpFinish(): void {
  if (reader === undefined) return;
  reader.isStopped = true;
  reader.socket?.destroy();
  reader = undefined;
}

/** The application's calls, for the process of the client. */
export const reconnecting = { tcpBegin, tcpMove, tcpFinish };
