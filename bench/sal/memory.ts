import { rounded } from "../quantiles.ts";
import type { Table } from "../report.ts";
import { Worker } from "../resolve/worker.ts";
import type { Hold } from "./holds.ts";

/** Memory of a process, bytes. */
export interface Memory {
  /** Of the process: with what the heap keeps for growth. */
  rss: number;
  /** Of objects on the JavaScript heap, and of buffers outside it. */
  heap: number;
}

export interface MemorySettings {
  counts: readonly number[];
  /** Opened and closed before, so that code is compiled. */
  warm: number;
}

/** Bytes of each, on both sides. */
interface Held {
  kind: Hold["kind"];
  count: number;
  provider: Memory;
  client: Memory;
}

export interface MemoryResult {
  settings: MemorySettings;
  held: readonly Held[];
}

/** Memory of idle flows, idle sessions and idle connections of bare TLS, each kind in processes of its own. */
export async function measureMemory(
  settings: MemorySettings,
  say: (message: string) => void,
): Promise<MemoryResult> {
  const held: Held[] = [];
  for (const kind of ["flows", "sessions", "tls"] as const) {
    const provider = new Worker("../sal/servers.ts", ["--expose-gc"]);
    const client = new Worker("../sal/clients.ts", ["--expose-gc"]);
    try {
      const port = await (kind === "tls"
        ? provider.call<number>("tls", "echo")
        : provider.call<number>("sal"));
      const hold = (count: number) => client.call("hold", { kind, port, count } satisfies Hold);
      await hold(settings.warm);
      await client.call("release", kind);
      const memory = async () => ({
        provider: await provider.call<Memory>("memory"),
        client: await client.call<Memory>("memory"),
      });
      const before = await memory();
      // Bare TLS is there to compare with: one count is enough.
      const counts = kind === "tls" ? settings.counts.slice(0, 1) : settings.counts;
      for (const count of counts) {
        say(`memory: ${count} ${kind}`);
        await hold(count);
        const after = await memory();
        const each = (side: "provider" | "client"): Memory => ({
          rss: rounded((after[side].rss - before[side].rss) / count),
          heap: rounded((after[side].heap - before[side].heap) / count),
        });
        held.push({ kind, count, provider: each("provider"), client: each("client") });
      }
    } finally {
      await Promise.all([provider, client].map((each) => each.stop()));
    }
  }
  return { settings, held };
}

/** The larger of both sides and all counts: heap and external bytes of a flow. */
export function idleFlowBytes({ held }: MemoryResult): number {
  const flows = held.filter(({ kind }) => kind === "flows");
  return Math.max(...flows.flatMap(({ provider, client }) => [provider.heap, client.heap]));
}

/** The larger of all counts: resident bytes of a session at the provider, which has most of them. */
export function idleSessionBytes({ held }: MemoryResult): number {
  const sessions = held.filter(({ kind }) => kind === "sessions");
  return Math.max(...sessions.map(({ provider }) => provider.rss));
}

const names = {
  flows: "flow, without bytes, of one session",
  sessions: "session without flows",
  tls: "connection of bare TLS",
};

export function memoryTable({ held }: MemoryResult): Table {
  return {
    title: "Memory of each, bytes (heap with external bytes)",
    columns: ["what", "count", "provider: resident", "heap", "client: resident", "heap"],
    rows: held.map(({ kind, count, provider, client }) => [
      ...[names[kind], count, provider.rss, provider.heap, client.rss, client.heap],
    ]),
  };
}
