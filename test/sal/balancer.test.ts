import { expect } from "chai";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { until } from "../support/until.ts";
import { pattern } from "./rig/random.ts";
import { collect, ECHO } from "./rig/salRig.ts";
import { TlsRig } from "./rig/tlsRig.ts";

const LENGTH = 4_000_000;

/** It reads the server name of each connection, and passes the bytes on: TLS ends at the instance. */
function haproxyConfig(port: number, instances: readonly TlsRig[]): string {
  const label = ({ provider }: TlsRig) => provider.instance.toString("hex");
  const routes = instances.map(
    (each, index) => `  use_backend i${index} if { req.ssl_sni -m beg ${label(each)}. }`,
  );
  const backends = instances.map(
    ({ port: to }, index) => `backend i${index}\n  server s 127.0.0.1:${to}`,
  );
  const servers = instances.map(({ port: to }, index) => `  server s${index} 127.0.0.1:${to}`);
  return [
    "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s",
    `frontend sal\n  bind 127.0.0.1:${port}\n  tcp-request inspect-delay 5s`,
    "  tcp-request content accept if { req.ssl_hello_type 1 }",
    ...routes,
    "  default_backend any",
    ...backends,
    "backend any\n  balance roundrobin",
    ...servers,
    "",
  ].join("\n");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe("instances behind HAProxy, which routes by the label", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "balancer-"));
  let instances: TlsRig[];
  let balancer: ChildProcess | undefined;
  let endpoint: string;

  before(async function () {
    if (spawnSync("haproxy", ["-v"]).error !== undefined) this.skip();
    instances = [new TlsRig(), new TlsRig(), new TlsRig()];
    for (const each of instances) await each.start();
    const port = await freePort();
    endpoint = `sal://127.0.0.1:${port}`;
    const file = path.join(folder, "haproxy.cfg");
    writeFileSync(file, haproxyConfig(port, instances));
    balancer = spawn("haproxy", ["-db", "-f", file], { stdio: "ignore" });
    await until("it listens", async () => {
      const socket = connect({ host: "127.0.0.1", port });
      const isOpen = await once(socket, "connect").then(
        () => true,
        () => false,
      );
      socket.destroy();
      return isOpen;
    });
  });
  after(async () => {
    for (const each of instances ?? []) await each.stop();
    if (balancer !== undefined) {
      balancer.kill("SIGKILL");
      await once(balancer, "exit");
    }
    rmSync(folder, { recursive: true });
  });

  it("a session is resumed by its instance, at an address that all of them share", async () => {
    // Each begins at the next instance; each loses its connection in the middle.
    for (const { client, locator } of instances) {
      locator.publish({ endpoints: [endpoint] });
      const flow = await client.connect("weather", ECHO);
      const sent = pattern(1, LENGTH);
      const got = collect(flow);
      flow.end(sent);
      await until("half of it is there", () => flow.bytesRead > LENGTH / 2, 1);
      for (const each of instances) each.cut();
      expect((await got).equals(sent)).to.equal(true);
    }
    // Without labels most of them would have come to another instance.
    expect(instances.map(({ provider }) => provider.sessions)).to.deep.equal([1, 1, 1]);
  });
});
