import { expect } from "chai";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { Alerts } from "../../src/alerts/alerts.ts";
import { alertKinds, type AlertKind, type Condition } from "../../src/alerts/conditions.ts";
import { AlertStore, type AlertMessage } from "../../src/alerts/store.ts";
import { Webhook } from "../../src/alerts/webhook.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { rejection } from "../support/rejection.ts";

const SECRET = "a secret of some length";
const SUBJECT = "service 7";
const moment = { number: 1n, hash: "0x" as const, timestamp: 1_800_000_000, epoch: 1_000 };

describe("a worker that watches and tells a webhook", () => {
  let folder: string;
  let server: Server;
  let store: AlertStore;
  let alerts: Alerts;
  let log: MemoryLog;
  let got: { message: AlertMessage; signature: string; body: string }[];
  let holds: AlertKind[];
  let fails: boolean;
  /** Whether the chain cannot be read at all. */
  let isAway: boolean;
  let now: number;
  let answer: (response: ServerResponse) => void;

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "alerts-"));
    log = new MemoryLog();
    [got, holds, fails, isAway, now] = [[], [], false, false, 1_800_000_000];
    answer = (response) => response.writeHead(204).end();
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const signature = String(request.headers["blockcloud-signature"]);
        got.push({ message: JSON.parse(body) as AlertMessage, signature, body });
        answer(response);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    begin();
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    store.close();
    rmSync(folder, { recursive: true });
  });

  const url = (to = "/hook?token=abc") =>
    new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${to}`);
  const condition = (kind: AlertKind): Condition => ({
    ...{ key: `${SUBJECT} ${kind}`, kind, subject: SUBJECT, text: `about ${kind}` },
  });

  /** A process of the worker, with its disk. */
  function begin(webhook = new Webhook({ url: url(), secret: SECRET, allowLoopback: true })): void {
    store = new AlertStore(path.join(folder, "alerts.sqlite"));
    const subject = {
      name: SUBJECT,
      read: () =>
        fails
          ? Promise.reject(new Error("the endpoint fails"))
          : Promise.resolve(holds.map(condition)),
    };
    alerts = new Alerts(
      { everyMs: 60_000 },
      {
        reader: {
          subjects: [subject],
          moment: () =>
            isAway ? Promise.reject(new Error("no endpoint answers")) : Promise.resolve(moment),
          gasPrice: () => Promise.resolve(1n),
        },
        ...{ store, webhook, now: () => now, timers: systemTimers, log },
      },
    );
  }
  const restart = () => {
    store.close();
    begin();
  };
  const told = () => got.map(({ message }) => `${message.event} ${message.kind}`);

  for (const kind of alertKinds) {
    it(`tells of "${kind}" once when it fires and once when it is over`, async () => {
      holds = [kind];
      await alerts.round();
      await alerts.round();
      restart();
      await alerts.round();
      expect(told()).to.deep.equal([`fired ${kind}`]);
      holds = [];
      await alerts.round();
      restart();
      await alerts.round();
      expect(told()).to.deep.equal([`fired ${kind}`, `cleared ${kind}`]);
      expect(log.said("warn")).to.deep.equal(["alert"]);
      expect(log.said("info")).to.deep.equal(["alert is over"]);
      holds = [kind];
      await alerts.round();
      expect(told()).to.have.length(3);
      expect(new Set(got.map(({ message }) => message.id)).size).to.equal(3);
    });
  }

  it("signs time and body with the secret, and says what it is about", async () => {
    holds = ["grade"];
    await alerts.round();
    const [{ message, signature, body } = { message: undefined, signature: "", body: "" }] = got;
    const mac = createHmac("sha256", SECRET).update(`${now}.${body}`).digest("hex");
    expect(signature).to.equal(`t=${now},v1=${mac}`);
    expect(message).to.deep.include({
      ...{ v: 1, event: "fired", kind: "grade", subject: SUBJECT, text: "about grade" },
      ...{ epoch: 1_000, at: 1_800_000_000 },
    });
  });

  it("loses nothing while the webhook is away, over a restart, too, and keeps the order", async () => {
    answer = (response) => response.writeHead(503).end();
    holds = ["missed"];
    await alerts.round();
    holds = [];
    await alerts.round();
    expect(told(), "the later one waits").to.deep.equal(["fired missed"]);
    restart();
    answer = (response) => response.writeHead(200).end();
    await alerts.round();
    expect(told(), "not before its time").to.have.length(1);
    now += 5;
    await alerts.round();
    expect(told()).to.deep.equal(["fired missed", "fired missed", "cleared missed"]);
    expect(got[0]?.message.id, "the receiver knows it again").to.equal(got[1]?.message.id);
  });

  it("waits no year for a clock that was a year ahead and was set back", async () => {
    const right = now;
    answer = (response) => response.writeHead(503).end();
    holds = ["challenge"];
    now += 31_536_000;
    await alerts.round();
    answer = (response) => response.writeHead(204).end();
    now = right;
    await alerts.round();
    expect(told()).to.deep.equal(["fired challenge", "fired challenge"]);
  });

  it("delivers what it knows while the chain cannot be read", async () => {
    answer = (response) => response.writeHead(503).end();
    holds = ["challenge"];
    await alerts.round();
    answer = (response) => response.writeHead(204).end();
    isAway = true;
    now += 5;
    await alerts.round().catch(() => undefined);
    expect(told()).to.deep.equal(["fired challenge", "fired challenge"]);
    now += 7_200;
    await alerts.round().catch(() => undefined);
    expect(told()).to.have.lengthOf(2);
  });

  it("gives a message up after so many tries, and says so", async () => {
    answer = (response) => response.writeHead(500).end();
    holds = ["claim"];
    for (let tries = 0; tries < 20; tries += 1) {
      await alerts.round();
      now += 7_200;
    }
    expect(told()).to.have.length(8);
    expect(log.said("error")).to.have.length(1);
    const all = JSON.stringify(log.lines, (_, value: unknown) =>
      value instanceof Error ? [Object.entries(value), value.message, value.stack] : value,
    );
    expect(all).not.to.contain(SECRET).and.not.to.contain("token=abc");
  });

  it("keeps what it knows of a subject that cannot be read", async () => {
    holds = ["status"];
    await alerts.round();
    fails = true;
    await alerts.round();
    fails = false;
    await alerts.round();
    expect(told()).to.deep.equal(["fired status"]);
    expect(store.firing).to.deep.equal([`${SUBJECT} status`]);
  });

  it("says what to do when the webhook is on this host", async () => {
    store.close();
    begin(new Webhook({ url: url(), secret: SECRET, allowLoopback: false }));
    holds = ["grade"];
    await alerts.round();
    const { fields } = log.lines.at(-1) ?? {};
    expect(fields).to.include({ code: "NET_REFUSED" });
    expect((fields as { remedy: string }).remedy).to.contain("--allow-loopback");
    expect(got).to.deep.equal([]);
  });

  for (const [status, hint] of [
    [403, /answered 403: compare the secret/],
    [404, /answered 404: check the path/],
    [302, /answered 302: redirects/],
    [500, /answered 500: see the log/],
  ] as const) {
    it(`names the status ${status} of a webhook that refuses, and what to do about it`, async () => {
      answer = (response) => response.writeHead(status).end();
      holds = ["grade"];
      await alerts.round();
      const { fields } = log.lines.at(-1) ?? {};
      expect(fields).to.include({ code: "ALERT_REFUSED" });
      expect((fields as { remedy: string }).remedy).to.match(hint);
    });
  }

  it("says what refused: the port, the address, or the other host", async () => {
    const remedy = async (to: string, code: string) => {
      const webhook = new Webhook({ url: new URL(to), secret: SECRET, allowLoopback: true });
      const { message, remedy: what } = await rejection(code, webhook.deliver("{}", now));
      expect(message).not.to.contain("hidden");
      return what;
    };
    expect(await remedy("http://127.0.0.1:9/hidden", "NET_REFUSED")).to.match(/at port 9: /);
    expect(await remedy("http://10.0.0.1/hidden", "NET_REFUSED")).to.match(/address is private, /);
    const { port } = server.address() as AddressInfo;
    const closed = once(server, "close");
    server.close();
    await closed;
    const gone = await remedy(`http://127.0.0.1:${port}/hidden`, "NET_FAILED");
    expect(gone).to.contain("ECONNREFUSED");
  });

  it("sends nothing to private addresses, follows no redirect, and waits for no endless answer", async () => {
    const deliver = (to: URL, allowLoopback: boolean) =>
      new Webhook({ url: to, secret: SECRET, allowLoopback }).deliver("{}", now);
    await rejection("NET_REFUSED", deliver(url(), false));
    for (const host of ["10.0.0.1", "169.254.169.254", "[fd00::1]"]) {
      await rejection("NET_REFUSED", deliver(new URL(`http://${host}/`), false));
    }
    answer = (response) => response.writeHead(302, { location: "/other" }).end();
    await rejection("ALERT_REFUSED", deliver(url(), true));
    answer = (response) => response.writeHead(200).end("x".repeat(1_000_000));
    await rejection("NET_TOO_LARGE", deliver(url(), true));
    expect(got).to.have.length(2);
  });
});
