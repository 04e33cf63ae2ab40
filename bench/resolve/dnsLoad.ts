import { spawn } from "node:child_process";
import { once } from "node:events";

/** Parameters of dnsperf. */
export interface DnsLoad {
  port: number;
  /** A file of names and types. */
  questions: string;
  seconds: number;
  clients: number;
}

/** Responses per second while dnsperf keeps 100 queries outstanding. */
export async function dnsRate(load: DnsLoad): Promise<number> {
  const output = await dnsperf(load, ["-q", "100"]);
  return parseRate(output);
}

/** The latency of each response, milliseconds, at a rate that loads no server. */
export async function dnsLatencies(load: DnsLoad, perSecond: number): Promise<number[]> {
  const output = await dnsperf(load, ["-v", "-Q", String(perSecond)]);
  return parseLatencies(output);
}

/**
 * Reads the rate from dnsperf's output.
 *
 * @throws Error if a response was not NOERROR, or more than 1 % of the queries got none.
 */
export function parseRate(output: string): number {
  const [, codes] = /Response codes: +(.+)/.exec(output) ?? [];
  const [, completed] = /Queries completed: +\d+ \(([\d.]+)%\)/.exec(output) ?? [];
  const [, perSecond] = /Queries per second: +([\d.]+)/.exec(output) ?? [];
  if (!/^NOERROR \d+ \(100\.00%\)$/.test(codes ?? "") || Number(completed) < 99) {
    throw new Error(`dnsperf: ${codes ?? "no answers"}, ${completed ?? 0} % completed.`);
  }
  return Number(perSecond);
}

/** Reads the latencies, milliseconds, from the lines that `dnsperf -v` writes for each response. */
export function parseLatencies(output: string): number[] {
  const lines = output.matchAll(/^> NOERROR \S+ \S+ ([\d.]+)$/gm);
  return Array.from(lines, ([, seconds]) => Number(seconds) * 1000);
}

async function dnsperf(load: DnsLoad, flags: readonly string[]): Promise<string> {
  const { port, questions, seconds, clients } = load;
  const arguments_ = [
    ...["-s", "127.0.0.1", "-p", String(port), "-d", questions, "-l", String(seconds)],
    ...["-c", String(clients), "-T", "1", ...flags],
  ];
  const child = spawn("dnsperf", arguments_, { stdio: ["ignore", "pipe", "ignore"] });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  const limit = setTimeout(() => child.kill("SIGKILL"), (seconds + 15) * 1000);
  await once(child, "close");
  clearTimeout(limit);
  return Buffer.concat(output).toString();
}
