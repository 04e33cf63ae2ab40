import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import type { AlertMessage } from "../../src/alerts/store.ts";
import { Webhook } from "../../src/alerts/webhook.ts";
import { rejection } from "../support/rejection.ts";
import { webhookReceiver, type WebhookReceiver } from "../support/webhookReceiver.ts";

const SECRET = "a secret of some length";
const page = readFileSync(path.join(import.meta.dirname, "../../docs/monitoring.md"), "utf8");
const [, program = ""] = /```js\n(\/\/ node forward\.mjs[\s\S]*?)```/.exec(page) ?? [];

describe("the program of docs/monitoring.md that passes alerts on", () => {
  let folder: string;
  let forward: ChildProcess;
  let chat: WebhookReceiver;
  let url: URL;
  const now = Math.floor(Date.now() / 1000);

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "forward-"));
    chat = await webhookReceiver();
    writeFileSync(path.join(folder, "forward.mjs"), program);
    writeFileSync(path.join(folder, "webhook.secret"), `${SECRET}\n`);
  });
  afterEach(async () => {
    const ended = once(forward, "exit");
    forward.kill();
    await ended;
    await chat.close();
    rmSync(folder, { recursive: true });
  });

  async function run(env: Record<string, string>): Promise<void> {
    const child = spawn(process.execPath, ["forward.mjs"], {
      cwd: folder,
      env: { PORT: "0", PATH: process.env.PATH, ...env },
      // It says on standard error why a message is to be sent again.
      stdio: ["ignore", "pipe", "ignore"],
    });
    forward = child;
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    url = new URL(`http://127.0.0.1:${/\d+$/.exec(line)?.[0] ?? ""}/`);
  }
  const message = (id: string, event: AlertMessage["event"] = "fired") => ({
    ...{ v: 1, id, event, key: "service 7 grade", kind: "grade", subject: "service 7" },
    ...{ text: "Below GOOD.\n.\nFrom: nobody", epoch: 9, at: now },
  });
  const deliver = (value: object, secret = SECRET, seconds = now) =>
    new Webhook({ url, secret, allowLoopback: true }).deliver(JSON.stringify(value), seconds);

  /** A program in the place of sendmail that keeps the mail, or fails. */
  function sendmail(fails = false): { env: Record<string, string>; mail: () => string } {
    const file = path.join(folder, "sendmail");
    const mail = path.join(folder, "mail");
    writeFileSync(
      file,
      fails ? "#!/bin/sh\nexit 75\n" : `#!/bin/sh\necho "$@" >>mail\ncat >>mail\n`,
    );
    chmodSync(file, 0o700);
    return {
      env: { SENDMAIL: file, MAIL_TO: "ops@example" },
      mail: () => readFileSync(mail, "utf8"),
    };
  }

  it("passes a genuine alert on to a chat, and refuses one of others and an old one", async () => {
    await run({ CHAT_URL: chat.url.href });
    await rejection("ALERT_REFUSED", deliver(message("1"), "another secret, as long"));
    await rejection("ALERT_REFUSED", deliver(message("1"), SECRET, now - 3_600));
    expect(chat.got).to.deep.equal([]);
    await deliver(message("1"));
    await deliver(message("2", "cleared"));
    const { text } = message("1");
    expect(chat.got).to.deep.equal([
      { text: `Alert: service 7, grade. ${text}` },
      { text: `Over: service 7, grade. ${text}` },
    ]);
  });

  it("passes an alert on once, also if its answer was lost and it comes again", async () => {
    await run({ CHAT_URL: chat.url.href });
    for (const id of ["1", "1", "2", "1"]) await deliver(message(id));
    expect(chat.got).to.have.length(2);
  });

  it("asks for the alert again when the chat does not take it", async () => {
    await run({ CHAT_URL: chat.url.href });
    chat.status = 500;
    await rejection("ALERT_REFUSED", deliver(message("1")));
    chat.status = 200;
    await deliver(message("1"));
    expect(chat.got).to.have.length(2);
  });

  it("sends a mail, whatever lines the alert has", async () => {
    const { env, mail } = sendmail();
    await run(env);
    await deliver(message("1"));
    expect(mail()).to.equal(
      "-i -t\nTo: ops@example\nSubject: Alert: service 7, grade\n\nBelow GOOD.\n.\nFrom: nobody\n",
    );
  });

  it("asks for the alert again when the mail cannot be sent", async () => {
    await run(sendmail(true).env);
    await rejection("ALERT_REFUSED", deliver(message("1")));
  });

  it("asks for the alert again when there is no sendmail", async () => {
    await run({ ...sendmail().env, SENDMAIL: path.join(folder, "nowhere") });
    await rejection("ALERT_REFUSED", deliver(message("1")));
  });
});
