import { Worker } from "/work/wt/undici/bench/resolve/worker.ts";
const NONCE = `Service-Nonce: 0x${"a1".repeat(32)}\r\n`;
const up = new Worker("../gateway/servers.ts"); const client = new Worker("httpLoad.ts");
process.env.UND = process.argv[2];
const gw = new Worker("../gateway/servers.ts");
const u = await up.call<number>("upstream"); const p = await gw.call<number>("gateway", u);
const run = (headers: string, ms: number) => client.call<any>("run", { port: p, paths: ["/"], headers, connections: 32, milliseconds: ms });
for (const [name, h] of [["plain", ""], ["receipt", NONCE]] as const) {
  await run(h, 2000); await gw.call("profStart"); await run(h, 4000);
  console.log("==", name, process.argv[2]); console.log(await gw.call("profStop"));
}
await Promise.all([up, client, gw].map((w) => w.stop())); process.exit(0);
