import { randomBytes } from "node:crypto";
import type { Hex } from "viem";
import type { BlockcloudError } from "../../../src/protocol/errors.ts";
import {
  decodeProviderHello,
  encodeBegin,
  encodeClientHello,
  encodeResume,
  type CompactClientProof,
  type ProviderHello,
  type Resume,
} from "../../../src/sal/handshake/messages.ts";
import { channelOf, ResumeKeys } from "../../../src/sal/handshake/secrets.ts";
import { encodeFrame, encodeNumberFrame } from "../../../src/sal/wire/encode.ts";
import { FrameType } from "../../../src/sal/wire/frames.ts";
import { FrameParser, joined, type FrameSink } from "../../../src/sal/wire/parser.ts";
import { decodeReason } from "../../../src/sal/wire/reason.ts";
import { MemoryLink } from "./memoryLink.ts";
import type { SalRig } from "./salRig.ts";

interface RawFrame {
  type: number;
  flow: number;
  payload: Buffer;
  size: number;
}

/** A client that keeps to no rule. */
export class RawClient implements FrameSink {
  readonly link: MemoryLink;
  readonly frames: RawFrame[] = [];
  isClosed = false;
  /** Whether what comes is read. */
  hello: ProviderHello | undefined;
  readonly #rig: SalRig;
  readonly #parser = new FrameParser(this);

  private constructor(rig: SalRig, link: MemoryLink) {
    this.#rig = rig;
    this.link = link;
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

  /** A connection to the rig's provider. */
  static connect(rig: SalRig, address = "192.0.2.66"): RawClient {
    const [near, far] = MemoryLink.pair(rig.clock, rig.net.wire, [address, "198.51.100.1"]);
    rig.net.dialled.push({ near, far, target: { host: "", port: 0, serverName: "" } });
    const raw = new RawClient(rig, near);
    rig.accept(far);
    return raw;
  }

  /** A connection whose provider has greeted. */
  static async greeted(rig: SalRig, address?: string): Promise<RawClient> {
    const raw = RawClient.connect(rig, address);
    raw.send(FrameType.hello, 0, encodeClientHello({ nonce: randomBytes(32), versions: [1] }));
    const hello = await raw.next(FrameType.hello);
    raw.hello = decodeProviderHello(hello.payload);
    return raw;
  }

  /** A client with a session. */
  static async begun(rig: SalRig, address?: string): Promise<RawClient> {
    const raw = await RawClient.greeted(rig, address);
    raw.begin();
    await raw.next(FrameType.ping);
    return raw;
  }

  get channel(): Hex {
    return channelOf(this.link);
  }

  /** The keys of the session that began on this connection. */
  get keys(): ResumeKeys {
    return ResumeKeys.ofFirstLink(this.link, this.session);
  }

  get session(): Buffer {
    if (this.hello === undefined) throw new Error("not greeted");
    return this.hello.session;
  }

  /** The code with which the provider ended the connection. */
  get refusal(): string | undefined {
    return this.refusedWith?.code;
  }

  get refusedWith(): BlockcloudError | undefined {
    const frame = this.frames.find(({ type }) => type === FrameType.refused);
    return frame === undefined ? undefined : decodeReason(frame.payload);
  }

  /** Reason of a flow's reset. */
  resetOf(flow: number): string | undefined {
    const frame = this.frames.find((each) => each.type === FrameType.reset && each.flow === flow);
    return frame === undefined ? undefined : decodeReason(frame.payload).code;
  }

  send(type: number, flow = 0, payload: Uint8Array = Buffer.alloc(0)): void {
    this.link.write(encodeFrame(type, flow, payload));
  }

  sendNumber(type: number, flow: number, value: number): void {
    this.link.write(encodeNumberFrame(type, flow, value));
  }

  begin(proof?: CompactClientProof): void {
    this.send(FrameType.begin, 0, encodeBegin({ session: this.session, proof }));
  }

  open(flow: number, port: number, protocol = 0): void {
    this.send(FrameType.open, flow, Buffer.of(port >> 8, port & 255, protocol));
  }

  /** RESUME of a session that began elsewhere. */
  resume(of: RawClient, change: Partial<Resume> & { channel?: Hex } = {}): void {
    const { attempt = 1, received = 0, session = of.session, channel = this.channel } = change;
    const claim = { session, attempt, clientReceived: received, channel };
    const mac = change.mac ?? of.keys.mac("client", { ...claim, providerReceived: undefined });
    this.send(FrameType.resume, 0, encodeResume({ session, attempt, received, mac }));
  }

  /** Waits for a frame of a type. */
  async next(type: number): Promise<RawFrame> {
    const find = () => this.frames.find((frame) => frame.type === type);
    await this.#rig.clock.until(() => find() !== undefined);
    return find()!;
  }

  /** Waits until the provider has closed the connection; returns the code that it gave. */
  async ended(): Promise<string | undefined> {
    await this.#rig.clock.until(() => this.isClosed);
    return this.refusal;
  }

  // FrameSink

  frame(type: number, flow: number, pieces: readonly Buffer[], _: number, size: number): void {
    this.frames.push({ type, flow, payload: Buffer.from(joined(pieces)), size });
  }

  broken(error: BlockcloudError): void {
    throw error;
  }
}
