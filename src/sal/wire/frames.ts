/** Frames that are not part of the ordered stream: they are not counted, and are lost with their connection. */
const UNORDERED = 0x40;
/** A receiver that does not know the type skips the frame; any other unknown type ends the session. */
const OPTIONAL = 0x80;

/** The types of frames (docs/sal.md). A frame is `type (1) | flow (varint) | length (varint) | payload`. */
export const FrameType = {
  /** Client: opens a flow. Payload: port (2), protocol (1). */
  open: 0x01,
  /** Provider: the flow's upstream is connected. */
  opened: 0x02,
  data: 0x03,
  /** How many bytes of the flow its sender may send in all: a varint. */
  window: 0x04,
  /** The flow's direction has ended, complete. */
  fin: 0x05,
  /** The flow is over in both directions. Payload: code (1), text. */
  reset: 0x06,
  /** Provider: its new signed record. */
  migrate: 0x07,
  /** Client: asks for another receipt. Payload: nonce (32). */
  prove: 0x08,
  /** Provider: answers PROVE. Payload: nonce (32), proofs. */
  proved: 0x09,
  /** No new flows; the session ends when its flows have ended. Payload: code (1), text. */
  goaway: 0x0a,
  /** Client: a tab's authorization, or a voucher. Sent only to a provider that has sent QUOTE. */
  pay: 0x0c,
  /** Provider: what the service costs, and how the client's tab stands. A client that cannot pay may skip it. */
  quote: OPTIONAL | 0x0b,
  /** Provider of a relayed session: where it can be reached directly. A client that stays on the relay may skip it. */
  candidates: OPTIONAL | 0x0d,
  /** Client: dials now, from the port of the relayed link; so shall the provider. Sent only after CANDIDATES. */
  punch: 0x0e,

  /** The offset up to which the sender has received the ordered stream: a varint. */
  ack: UNORDERED | 0x00,
  ping: UNORDERED | 0x01,
  pong: UNORDERED | 0x02,
  hello: UNORDERED | 0x03,
  /** Client: begins the session that the provider's HELLO offered. */
  begin: UNORDERED | 0x04,
  resume: UNORDERED | 0x05,
  resumed: UNORDERED | 0x06,
  /** Provider: the last frame on a connection whose session was resumed on another one. */
  moved: UNORDERED | 0x07,
  /** The last frame of a connection that is refused or ended. Payload: code (1), text. */
  refused: UNORDERED | 0x08,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Largest payload of DATA, bytes. */
export const MAX_DATA = 64 * 1024;
/** Largest payload of any other frame, bytes: a record of 2,048 bytes, and room for later versions. */
export const MAX_CONTROL = 4 * 1024;
/** Longest header: type, and two varints. */
export const MAX_HEADER = 1 + 4 + 4;
/** Highest number of a flow: its varint has at most 4 bytes. */
export const MAX_FLOW = 2 ** 30 - 1;

/** Whether a frame counts in the offset of the ordered stream. */
export function isOrdered(type: number): boolean {
  return (type & UNORDERED) === 0;
}

/** Whether a receiver may skip a type that it does not know. */
export function isOptional(type: number): boolean {
  return (type & OPTIONAL) !== 0;
}
