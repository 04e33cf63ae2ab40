import { fork } from "node:child_process";
import { createServer, Agent, request } from "node:http";
import { once } from "node:events";
const [root, mode, size = "1024"] = process.argv.slice(2);
if (process.send) {
  const { Gateway } = await import(`${root}/src/provider/gateway/gateway.ts`);
  const { blockcloudDomain } = await import(`${root}/src/protocol/typedData.ts`);
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
  let payments;
  if (mode === "tab") {
    const { TabRig } = await import(`${root}/test/support/tabRig.ts`);
    const rig = new TabRig("0.0001/request");
    rig.now = Date.now();
    payments = rig.payments({ storeFile: `/tmp/hot-${process.pid}.sqlite` });
  }
  const upstream = new URL(process.env.UP);
  const g = new Gateway({ serviceId: `0x${"00".repeat(7)}07${"00".repeat(24)}`, domain: blockcloudDomain(31337n, `0x${"a3".repeat(20)}`), key: Buffer.alloc(32, 0x4b), upstream, listen: { host: "127.0.0.1", port: 0 } }, { logger: log, now: () => Date.now(), monotonic: () => performance.now(), payments });
  await g.start();
  process.on("message", (m) => { if (m === "cpu") process.send(process.cpuUsage()); else process.exit(0); });
  process.send({ port: g.address.port });
} else {
  const body = Buffer.alloc(Number(size), "x");
  const up = createServer((_, r) => { r.setHeader("content-length", body.length); r.end(body); }).listen(0, "127.0.0.1");
  await once(up, "listening");
  const child = fork(process.argv[1], process.argv.slice(2), { env: { ...process.env, UP: `http://127.0.0.1:${up.address().port}` }, execArgv: process.execArgv });
  const [{ port }] = await once(child, "message");
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let headers;
  const N = mode === "tab" ? 12000 : Infinity;
  if (mode === "tab") {
    const { FakePayer } = await import(`${root}/test/support/fakeTabs.ts`);
    const { decodeField, encodeField } = await import(`${root}/src/protocol/x402.ts`);
    const { encodeTabPayment, decodeTabOffer } = await import(`${root}/src/cashier/tabPayment.ts`);
    const r = await fetch(`http://127.0.0.1:${port}/a`);
    const accepted = decodeField(r.headers.get("payment-required")).accepts[0];
    const payer = new FakePayer(`0x${"5c".repeat(32)}`);
    const { quote } = decodeTabOffer(accepted.extra);
    const tab = await payer.tabFor(quote);
    headers = [];
    for (let i = 1; i <= N; i++) {
      const { authorization, signature, salt } = tab;
      headers.push(encodeField({ x402Version: 2, accepted, payload: encodeTabPayment({ opening: i < 9 ? { authorization, signature, salt } : undefined, voucher: await tab.pay(BigInt(i) * 10n ** 14n), requestId: `0x${i.toString(16).padStart(64, "0")}` }) }));
    }
  }
  let at = 0, done = 0, bad = 0;
  const one = () => new Promise((ok) => {
    const h = headers ? { "payment-signature": headers[at++] } : {};
    request({ port, host: "127.0.0.1", path: "/a", agent, headers: h }, (res) => { if (res.statusCode !== 200) bad++; res.resume(); res.on("end", () => { done++; ok(); }); }).end();
  });
  if (headers) for (let i = 0; i < 9; i++) await one();
  const until = (ms) => { const end = performance.now() + ms; return Promise.all(Array.from({ length: 8 }, async () => { while (performance.now() < end && at < N - 8) await one(); })); };
  const cpu = async () => { child.send("cpu"); const [u] = await once(child, "message"); return u.user + u.system; };
  await until(2000);
  const c0 = await cpu(); done = 0; bad = 0; const t0 = performance.now();
  await until(6000);
  const s = (performance.now() - t0) / 1000; const c1 = await cpu();
  console.log(root, mode, size, { perSecond: Math.round(done / s), cpuMicros: ((c1 - c0) / done).toFixed(1), done, bad });
  child.send("end"); process.exit(0);
}
