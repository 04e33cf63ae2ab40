import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { parseEther, toHex } from "viem";
import { createAlerts } from "../../src/alerts/createAlerts.ts";
import type { AlertMessage } from "../../src/alerts/store.ts";
import { Webhook } from "../../src/alerts/webhook.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { HORIZON } from "../../src/protocol/epoch.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";
import { rejection } from "../support/rejection.ts";
import { until } from "../support/until.ts";

const SECRET = "a secret of some length";
const POOR = `0x${"0d".repeat(20)}` as const;

/** A server that notes what it gets. */
async function receiver(): Promise<{ url: URL; got: unknown[]; server: Server }> {
  const got: unknown[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      got.push(JSON.parse(body));
      response.writeHead(204).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}/hook`), got, server };
}

describe("alerts of a chain", function () {
  this.timeout(120_000);

  let rig: CliRig;
  before(async () => {
    rig = await CliRig.start();
    const keys = "--service-key-file service.key --wallet-key-file wallet.key";
    const { code, stderr } = await rig.cli(`service register --probe '${PROBE}' ${keys} --yes`);
    expect(code, stderr).to.equal(0);
    await rig.epochs(HORIZON);
  });
  after(() => rig.stop());

  it("are read from the contracts, and told once", async () => {
    const { url, got, server } = await receiver();
    const { deployment, rpcUrl } = rig.devnet;
    const create = () =>
      createAlerts(
        {
          ...{ rpcUrls: [rpcUrl], deployment, stateDir: path.join(rig.folder, "alerts") },
          watched: { services: [1n], auditors: [parts.stranger.address], accounts: [POOR] },
          limits: { inARow: 2, leastGrade: 2, leastDays: 3, withinS: 3_600 },
          webhook: { url, secret: SECRET, allowLoopback: true },
          everyMs: 20,
        },
        { timers: systemTimers, log: silentLogger },
      );
    const first = create();
    await first.start();
    await until("both alerts are told", () => got.length === 2);
    await first.stop();
    const told = () => (got as AlertMessage[]).map(({ event, key }) => `${event} ${key}`);
    const both = ["fired service 1 lease", `fired account ${POOR} balance`];
    expect(told()).to.deep.equal(both);
    await rig.request("hardhat_setBalance", [POOR, toHex(parseEther("10000"))]);
    const second = create();
    await second.start();
    await until("one is over", () => got.length === 3);
    await second.stop();
    expect(told()).to.deep.equal([...both, `cleared account ${POOR} balance`]);
    server.close();
  });

  it("are passed on to a chat by the example of the docs, if they are genuine", async () => {
    const chat = await receiver();
    const page = readFileSync(path.join(import.meta.dirname, "../../docs/monitoring.md"), "utf8");
    const [, code = ""] = /```js\n(\/\/ node forward\.mjs[\s\S]*?)```/.exec(page) ?? [];
    const free = code.replace(
      `.listen(8090, "127.0.0.1")`,
      `.listen(0, "127.0.0.1", function () { console.log(this.address().port); })`,
    );
    expect(free).not.to.equal(code);
    writeFileSync(path.join(rig.folder, "forward.mjs"), free);
    rig.file("webhook.secret", `${SECRET}\n`);
    const program = spawn(process.execPath, ["forward.mjs"], {
      cwd: rig.folder,
      env: { CHAT_URL: chat.url.href },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [port] = (await once(createInterface(program.stdout), "line")) as [string];
      const url = new URL(`http://127.0.0.1:${port}/`);
      const message = { event: "fired", subject: "service 7", kind: "grade", text: "Below GOOD." };
      const deliver = (secret: string, seconds: number) =>
        new Webhook({ url, secret, allowLoopback: true }).deliver(JSON.stringify(message), seconds);
      const now = Math.floor(Date.now() / 1000);
      await rejection("ALERT_REFUSED", deliver("another secret, as long", now));
      await rejection("ALERT_REFUSED", deliver(SECRET, now - 3_600));
      await deliver(SECRET, now);
      expect(chat.got).to.deep.equal([{ text: "Alert: service 7, grade. Below GOOD." }]);
    } finally {
      program.kill();
      chat.server.close();
    }
  });

  it("need a secret that is long enough and that others cannot read", async () => {
    const run = (more: string) =>
      rig.cli(`alerts run --webhook https://alerts.example/hook ${more}`);
    rig.file("short.secret", "short");
    const short = await run("--service 1 --webhook-secret-file short.secret");
    expect(short.stderr).to.contain("ALERT_SECRET");
    const nothing = await run("--webhook-secret-file short.secret");
    expect(nothing.stderr).to.contain("give one of them at least");
  });
});
