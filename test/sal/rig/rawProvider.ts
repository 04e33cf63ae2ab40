import { bytesToHex } from "../../../src/protocol/bytes.ts";
import type { BlockcloudError } from "../../../src/protocol/errors.ts";
import {
  decodeClientHello,
  encodeProviderHello,
  type CompactReceipt,
} from "../../../src/sal/handshake/messages.ts";
import { channelOf } from "../../../src/sal/handshake/secrets.ts";
import type { Link } from "../../../src/sal/transport/link.ts";
import { encodeFrame } from "../../../src/sal/wire/encode.ts";
import { FrameType } from "../../../src/sal/wire/frames.ts";
import { FrameParser, joined, type FrameSink } from "../../../src/sal/wire/parser.ts";
import { KEY, SERVICE, START_MS, type SalRig } from "./salRig.ts";

/** What a receipt says, where it is not the truth. */
export interface Lies {
  serviceId?: `0x${string}`;
  nonce?: `0x${string}`;
  channel?: `0x${string}`;
  key?: Uint8Array;
}

/** A provider that keeps to no rule. */
export class RawProvider implements FrameSink {
  readonly frames: { type: number; flow: number; payload: Buffer }[] = [];
  readonly link: Link;
  isClosed = false;
  /** Answers a HELLO; by default with the truth. */
  onHello: (nonce: Buffer) => void;
  readonly #rig: SalRig;
  readonly #parser = new FrameParser(this);

  constructor(rig: SalRig, link: Link) {
    this.#rig = rig;
    this.link = link;
    this.onHello = (nonce) => {
      this.hello(nonce);
    };
    link.handler = {
      data: (chunk) => {
        this.#parser.push(chunk);
      },
      drained: () => {},
      closed: () => {
        this.isClosed = true;
      },
    };
  }

  /** Takes the place of the rig's provider. */
  static replace(rig: SalRig, each: (provider: RawProvider) => void = () => {}): RawProvider[] {
    const all: RawProvider[] = [];
    rig.move((link) => {
      const raw = new RawProvider(rig, link);
      all.push(raw);
      each(raw);
    });
    return all;
  }

  /** Signs a receipt, true but for the lies. */
  prove(nonce: Buffer, lies: Lies = {}): CompactReceipt {
    const issuedAt = BigInt(START_MS);
    const truth = { serviceId: SERVICE, nonce: bytesToHex(nonce), channel: channelOf(this.link) };
    const { key = KEY, ...claim } = lies;
    const receipt = { ...truth, ...claim, issuedAt };
    return { issuedAt, signature: this.#rig.receipts.sign(receipt, key).signature };
  }

  hello(nonce: Buffer, lies: Lies = {}, version = 1): void {
    const hello = {
      session: Buffer.alloc(16, 3),
      instance: this.#rig.provider.instance,
      asksClient: false,
      isLeaving: false,
    };
    const payload = encodeProviderHello({ ...hello, version, proofs: [this.prove(nonce, lies)] });
    this.send(FrameType.hello, 0, payload);
  }

  send(type: number, flow = 0, payload: Uint8Array = Buffer.alloc(0)): void {
    this.link.write(encodeFrame(type, flow, payload));
  }

  has(type: number): boolean {
    return this.frames.some((frame) => frame.type === type);
  }

  // FrameSink

  frame(type: number, flow: number, pieces: readonly Buffer[]): void {
    const payload = Buffer.from(joined(pieces));
    this.frames.push({ type, flow, payload });
    if (type === FrameType.hello) this.onHello(decodeClientHello(payload).nonce);
  }

  broken(error: BlockcloudError): void {
    throw error;
  }
}
