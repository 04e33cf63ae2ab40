import dnsPacket, {
  type DecodedPacket,
  type OptAnswer,
  type Packet,
  type Question,
} from "dns-packet";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import type { Resolve } from "../../src/net/resolve.ts";
import { DnsFront, type DnsFrontOptions } from "../../src/resolver/dns/dnsFront.ts";
import type { DnsObserver } from "../../src/resolver/dns/tally.ts";
import { FakeResolver } from "./fakeResolver.ts";
import { FakeTimers } from "./fakeTime.ts";
import { MemoryLog } from "./memoryLog.ts";

/** When the rig's time begins, Unix milliseconds; `answerOf` leases run for a minute from here. */
const START = 1_700_000_000_000;

/** What a query is made of; the rest is what `dig` sends. */
export interface Asked extends Partial<Packet> {
  name?: string;
  rrtype?: string;
  /** OPT with this size; undefined for none. */
  size?: number | undefined;
}

/** A message as `dns-packet` reads it; its types leave the code out. */
export type DnsMessage = DecodedPacket & { rcode: string };

/** Reads a message. */
export function decode(bytes: Buffer): DnsMessage {
  return dnsPacket.decode(bytes) as DnsMessage;
}

/** Makes a query. */
export function queryFor({
  name = "weather.bloc.alt",
  rrtype = "A",
  size,
  ...rest
}: Asked): Buffer {
  const opt: OptAnswer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: size ?? 0,
    flags: 0,
    options: [],
    extendedRcode: 0,
    ednsVersion: 0,
    flag_do: false,
  };
  return dnsPacket.encode({
    type: "query",
    id: 7,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type: rrtype as NonNullable<Question["type"]>, class: "IN", name }],
    additionals: size === undefined ? [] : [opt],
    ...rest,
  });
}

/** A DNS front on loopback, on a resolver and timers that a test drives. */
export class DnsRig {
  readonly resolver = new FakeResolver();
  readonly timers = new FakeTimers();
  readonly log = new MemoryLog();
  readonly counted: string[] = [];
  /** Addresses of hosts, and what happens to those that have none here. */
  hosts: Record<string, string[] | string> = {};
  readonly hostsAsked: string[] = [];
  readonly front: DnsFront;
  readonly #client: Socket = createSocket("udp4");

  constructor(options: Partial<DnsFrontOptions> = {}) {
    const resolveHost: Resolve = async (host) => {
      this.hostsAsked.push(host);
      const found = this.hosts[host] ?? "ENOTFOUND";
      if (typeof found === "string") throw Object.assign(new Error(found), { code: found });
      return found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    };
    const observer: DnsObserver = {
      answered: (transport, rcode, count) => this.counted.push(`${transport} ${rcode} ${count}`),
      took: (way) => this.counted.push(way),
      limited: (outcome, count) => this.counted.push(`${outcome} ${count}`),
      connections: () => {},
    };
    this.front = new DnsFront(
      {
        listen: { host: "127.0.0.1", port: 0 },
        answersPerSecond: 100,
        // Addresses of documentation and of loopback are refused elsewhere; here loopback is open.
        allowLoopback: true,
        seed: 42,
        ...options,
      },
      {
        resolver: this.resolver,
        resolveHost,
        now: () => START + this.timers.monotonic(),
        timers: this.timers,
        log: this.log,
        observer,
      },
    );
  }

  get port(): number {
    return this.front.address.port;
  }

  async start(): Promise<void> {
    await this.front.start();
    this.#client.bind(0, "127.0.0.1");
    await once(this.#client, "listening");
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.front.stop();
  }

  /** Sends a packet and waits for nothing. */
  send(packet: Uint8Array): void {
    this.#client.send(packet, this.port, "127.0.0.1");
  }

  /** The next packet that comes. */
  async next(): Promise<Buffer> {
    const [packet] = (await once(this.#client, "message")) as [Buffer];
    return packet;
  }

  /** Sends bytes, and waits for the answer with their ID. */
  async exchange(packet: Uint8Array): Promise<Buffer> {
    const ours = (answer: Buffer) => answer[0] === packet[0] && answer[1] === packet[1];
    const answered = new Promise<Buffer>((resolve) => {
      const take = (answer: Buffer) => {
        if (!ours(answer)) return;
        this.#client.off("message", take);
        resolve(answer);
      };
      this.#client.on("message", take);
    });
    this.send(packet);
    return answered;
  }

  /** Asks over UDP. */
  async ask(asked: Asked = {}): Promise<DnsMessage> {
    return decode(await this.exchange(queryFor(asked)));
  }

  /** Sends bytes over a TCP connection of their own, and reads so many answers. */
  async overTcp(bytes: Uint8Array, answers = 1): Promise<Buffer[]> {
    const socket = connect(this.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(bytes);
    let received = Buffer.alloc(0);
    const found: Buffer[] = [];
    for await (const part of socket) {
      received = Buffer.concat([received, part as Buffer]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        found.push(received.subarray(2, end));
        received = received.subarray(end);
      }
      if (found.length >= answers) break;
    }
    return found;
  }
}

/** A message as TCP carries it. */
export function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The data of a message's answers of a type, as `dns-packet` reads them. */
export function dataOf(message: DecodedPacket, type: string): unknown[] {
  return (message.answers ?? []).flatMap((answer) =>
    answer.type === type ? [(answer as { data: unknown }).data] : [],
  );
}

/** The response code of a message, without what EDNS adds. */
export function rcodeOf(message: Buffer): number {
  return (message[3] ?? 0) & 0x0f;
}
