import type { FrameType } from "./frames.ts";
import { varintSize, writeVarint } from "./varint.ts";

/** Size of a frame with a payload of `length` bytes. */
export function frameSize(flow: number, length: number): number {
  return 1 + varintSize(flow) + varintSize(length) + length;
}

/** Writes the header of a frame; returns the position of its payload. */
export function writeHeader(
  target: Buffer,
  at: number,
  type: number,
  flow: number,
  length: number,
  lengthSize = varintSize(length),
): number {
  target[at] = type;
  return writeVarint(target, writeVarint(target, at + 1, flow), length, lengthSize);
}

const NONE = new Uint8Array();

/** A whole frame. */
export function encodeFrame(type: number, flow = 0, payload: Uint8Array = NONE): Buffer {
  const frame = Buffer.allocUnsafe(frameSize(flow, payload.length));
  frame.set(payload, writeHeader(frame, 0, type, flow, payload.length));
  return frame;
}

/** A frame whose payload is one number. */
export function encodeNumberFrame(type: FrameType, flow: number, value: number): Buffer {
  const size = varintSize(value);
  const frame = Buffer.allocUnsafe(frameSize(flow, size));
  writeVarint(frame, writeHeader(frame, 0, type, flow, size), value, size);
  return frame;
}
