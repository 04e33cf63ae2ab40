import { Worker } from "./resolve/worker.ts";
import { alternately, medianRatio } from "./rounds.ts";
import { median } from "./quantiles.ts";
const file = "../gateway/servers.ts";
const up = new Worker(file), np = new Worker(file), gw = new Worker(file, process.env.PROF ? ["--cpu-prof", "--cpu-prof-dir=/tmp/prof"] : []), client = new Worker("httpLoad.ts");
const u = await up.call<number>("upstream");
const g = await gw.call<number>("gateway", u);
const c: Record<string, [number, string]> = { node: [await np.call<number>("nodeProxy", u), ""], gateway: [g, ""], receipt: [g, `Service-Nonce: 0x${"a1".repeat(32)}\r\n`] };
const m = Object.fromEntries(Object.entries(c).map(([k, [port, headers]]) => [k, async () => (await client.call<{ perSecond: number }>("run", { port, paths: ["/"], headers, connections: 32, milliseconds: 1500 })).perSecond]));
await alternately(1, m);
const r = await alternately(Number(process.env.ROUNDS ?? 3), m);
for (const k of Object.keys(c)) console.log(k, Math.round(median(r[k]!)), medianRatio(r[k]!, r.node!));
if (process.env.PROF) { (gw as any); process.exit(); }
await Promise.all([up, np, gw, client].map((w) => w.stop()));
