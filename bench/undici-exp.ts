import { loadavg } from "node:os";
import { Worker } from "./resolve/worker.ts";
import { alternately, medianRatio } from "./rounds.ts";
import { median } from "./quantiles.ts";
const NONCE = `Service-Nonce: 0x${"a1".repeat(32)}\r\n`;
const file = "../gateway/servers.ts";
const mk = (v: string) => { process.env.UND = v; return new Worker(file, (process.env.FLAGS ?? "").split(" ").filter(Boolean)); };
const upstream = mk("0"), node = mk("0"), client = new Worker("httpLoad.ts"), bulk = new Worker("../gateway/load.ts");
const up = await upstream.call<number>("upstream");
const plainOnly = process.env.PLAIN === "1";
const c: any = { node: [await node.call<number>("nodeProxy", up), "", node] };
const all = [upstream, node, client, bulk];
for (const v of (process.env.KINDS ?? "0,1").split(",")) {
  const w = mk(v); all.push(w); const p = await w.call<number>("gateway", up);
  c["gw" + v] = [p, "", w]; if (!plainOnly) c["receipt" + v] = [p, NONCE, w];
}
const cpu: any = {};
const m = Object.fromEntries(Object.entries(c).map(([n, [port, headers, w]]: any) => [n, async () => {
  const before = await w.call("cpu");
  const r = await client.call<any>("run", { port, paths: ["/"], headers, connections: 32, milliseconds: Number(process.env.MS ?? 500) });
  const count = r.perSecond * Number(process.env.MS ?? 500) / 1000;
  (cpu[n] ??= []).push((await w.call<number>("cpu") - before) / count);
  return r.perSecond;
}]));
await alternately(2, m);
for (const n in cpu) cpu[n] = [];
const r: any = await alternately(Number(process.argv[2] ?? 9), m);
console.log("load", loadavg()[0]);
for (const n of Object.keys(r)) console.log(n.padEnd(10), Math.round(median(r[n])), "ratio", medianRatio(r[n], r.node), "cpu us", median(cpu[n]).toFixed(1), "min", Math.min(...cpu[n]).toFixed(1), "p25", cpu[n].toSorted((x: number, y: number) => x - y)[Math.floor(cpu[n].length / 4)].toFixed(1), "cpu ratio", medianRatio(cpu.node, cpu[n]));
await Promise.all(all.map((w) => w.stop()));
process.exit(0);
