import { spawn } from "node:child_process";
import { once } from "node:events";

/** How dnsperf asks. */
export interface DnsLoad {
  port: number;
  /** A file of names and types. */
  questions: string;
  seconds: number;
  clients: number;
}

/** Answers a second while dnsperf keeps 100 questions waiting. */
export async function dnsRate(load: DnsLoad): Promise<number> {
  const output = await dnsperf(load, ["-q", "100"]);
  return parseRate(output);
}

/** Milliseconds that each answer took at a rate that no server is busy with. */
export async function dnsLatencies(load: DnsLoad, perSecond: number): Promise<number[]> {
  const output = await dnsperf(load, ["-v", "-Q", String(perSecond)]);
  return parseLatencies(output);
}

/**
 * What dnsperf counted a second.
 *
 * @throws Error when an answer was not NOERROR, or more than 1 % of the questions had none.
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

/** The times of the lines that `dnsperf -v` writes for each answer, in milliseconds. */
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
