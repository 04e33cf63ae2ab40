import { expect } from "chai";
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { DnsRig } from "../../support/dnsRig.ts";
import { answerOf } from "../../support/fakeResolver.ts";

const run = promisify(execFile);
const page = readFileSync(path.join(import.meta.dirname, "../../../docs/resolver.md"), "utf8");
/** The first fenced block of the page after a word. */
const blockAfter = (word: string) =>
  /```\n([^]*?)```/.exec(page.split(`\nFor ${word}`)[1] ?? "")?.[1];

const servers = {
  unbound: {
    config: (port: number) => `server:
    interface: 127.0.0.1@${port}
    do-daemonize: no
    username: ""
    chroot: ""
    pidfile: ""
    use-syslog: no
    verbosity: 1
`,
    args: (file: string) => ["-d", "-c", file],
    ready: "start of service",
  },
  dnsmasq: {
    config: (port: number) => `port=${port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
pid-file
`,
    args: (file: string) => ["--keep-in-foreground", "--log-facility=-", `--conf-file=${file}`],
    ready: "started",
  },
};

for (const [program, { config, args, ready }] of Object.entries(servers)) {
  describe(`${program}, configured as docs/resolver.md says`, () => {
    const rig = new DnsRig();
    let folder: string | undefined;
    let child: ChildProcess;
    let port: number;

    before(async function () {
      if ([program, "dig"].some((each) => spawnSync(each, ["-v"]).error !== undefined)) this.skip();
      await rig.start();
      folder = mkdtempSync(path.join(tmpdir(), "forward-"));
      port = await freePort();
      const file = path.join(folder, "config");
      const documented = blockAfter(program) ?? expect.fail(`no block for ${program}`);
      const ours = documented.replaceAll(/(?<=[@#])5335/g, String(rig.port));
      expect(ours).not.to.equal(documented);
      writeFileSync(file, config(port) + ours);
      child = spawn(program, args(file), { stdio: ["ignore", "ignore", "pipe"] });
      for await (const line of createInterface({ input: child.stderr! })) {
        if (line.includes(ready)) break;
      }
      child.stderr!.resume();
    });
    after(async () => {
      if (folder === undefined) return;
      const closed = once(child, "close");
      child.kill();
      await closed;
      await rig.stop();
      rmSync(folder, { recursive: true });
    });

    const ask = async (...words: string[]) => {
      const where = ["@127.0.0.1", "-p", String(port), "+time=5", "+tries=2"];
      return (await run("dig", [...where, ...words])).stdout;
    };

    it("hands on what there is, long records too, and what there is not", async () => {
      const endpoints = [{ uri: "https://8.8.8.8:8443/", priority: 0, weight: 2 }];
      const record = `0x${"5a".repeat(1_500)}` as const;
      rig.resolver.set("weather.bloc.alt", answerOf(7n, { endpoints, record }));
      expect(await ask("weather.bloc.alt", "A", "+short")).to.equal("8.8.8.8\n");
      expect(await ask("_https._tcp.weather.bloc.alt", "SRV", "+short")).to.contain(
        "0 2 8443 ip-8",
      );
      expect(await ask("weather.bloc.alt", "HTTPS", "+short")).to.contain("port=8443");
      const long = await ask("_record.weather.bloc.alt", "TXT", "+tcp");
      const base64 = [...long.matchAll(/"([\w-]+)"/g)].map(([, part]) => part).join("");
      expect(Buffer.from(base64, "base64url").toString("hex")).to.equal("5a".repeat(1_500));
      expect(await ask("weather.bloc.alt", "MX")).to.contain("status: NOERROR");
      expect(await ask("nobody.bloc.alt")).to.contain("status: NXDOMAIN");
    });
  });
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}
