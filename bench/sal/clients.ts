import { serve } from "../resolve/worker.ts";
import { openers, type Channel, type Opener } from "./channels.ts";
import { firstBytes, furtherFlows, handshakes } from "./connects.ts";
import { hold, release } from "./holds.ts";
import { PatternCheck } from "./pattern.ts";
import { cpu } from "./processCpu.ts";
import { memory } from "./processMemory.ts";

/** A transfer over some streams of one kind. */
export interface Download {
  kind: string;
  /** A port; of libp2p an address. */
  at: string;
  flows: number;
  /** Over all streams. */
  bytes: number;
}

export interface Downloaded {
  mibPerSecond: number;
  /** Bytes that differ from what was sent, or are missing. */
  wrong: number;
}

serve({ download, handshakes, firstBytes, furtherFlows, hold, release, memory, cpu });

const known = new Map<string, Promise<Opener>>();

/** Opens streams, then measures from the request to the last byte. */
async function download({ kind, at, flows, bytes }: Download): Promise<Downloaded> {
  const opener = known.get(`${kind} ${at}`) ?? openers[kind]?.(at);
  if (opener === undefined) throw new Error(`No such kind: ${kind}`);
  known.set(`${kind} ${at}`, opener);
  const open = await opener;
  // One after the other: libp2p resets streams that are opened faster than it negotiates them.
  const channels: Channel[] = [];
  while (channels.length < flows) channels.push(await open());
  const each = Math.floor(bytes / flows);
  const from = performance.now();
  const checks = await Promise.all(channels.map((channel) => receive(channel, each)));
  const seconds = (performance.now() - from) / 1000;
  await Promise.all(channels.map(({ ended }) => ended));
  const wrong = checks.reduce((sum, { wrong, received }) => sum + wrong + each - received, 0);
  return { mibPerSecond: (flows * each) / 2 ** 20 / seconds, wrong };
}

async function receive(channel: Channel, bytes: number): Promise<PatternCheck> {
  const check = new PatternCheck();
  const { promise, resolve } = Promise.withResolvers<unknown>();
  channel.ask(bytes, (chunk) => {
    check.take(chunk);
    if (check.received >= bytes) resolve(undefined);
  });
  await Promise.race([promise, channel.ended]);
  return check;
}
