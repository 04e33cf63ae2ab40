import { expect } from "chai";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { startUpstream, type Upstream } from "../../devnet/upstreams.ts";
import { WorkerProcess, type LogLine } from "../../devnet/worker.ts";
import { providerStoreFile } from "../../src/provider/store.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";
import { ask, head, whole } from "../support/httpClient.ts";

/** The keys of the services. */
const KEYS = ["service", "newKey", "stranger", "owner"] as const;

const RELOADED = "the services were read again";

describe("provider run with several services", () => {
  let rig: CliRig;
  let agent: WorkerProcess;
  let upstream: Upstream;
  let state: string;
  /** Address at which another server listens at first. */
  let taken: string;
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  /** The responses of the upstream that have not ended. */
  const held: ServerResponse[] = [];
  const blocker = createServer();

  before(async () => {
    rig = await CliRig.start();
    state = path.join(rig.folder, "several");
    for (const key of KEYS) {
      const { code, stderr } = await rig.cli(
        `service register --probe '${PROBE}' --service-key-file ${key}.key --wallet-key-file wallet.key --yes`,
      );
      expect(code, stderr).to.equal(0);
    }
    upstream = await startUpstream((request, response) => {
      if (request.url !== "/hold") response.end("sunny");
      else {
        held.push(response);
        response.writeHead(200, { "content-type": "text/event-stream" }).write("data: one\n\n");
      }
    });
    blocker.listen(0, "127.0.0.1");
    await once(blocker, "listening");
  });
  after(async () => {
    await agent?.kill();
    blocker.close();
    await upstream?.stop();
    await rig?.stop();
  });

  /** The first line that fits, once it is logged. */
  const line = async (fits: (line: LogLine) => boolean): Promise<LogLine> => {
    for (;;) {
      const found = lines.find(fits);
      if (found !== undefined) return found;
      if (!agent.running) throw new Error(`The agent has ended: ${agent.lastError}`);
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
      });
    }
  };
  const said = (msg: string, fields: object = {}) =>
    line((each) =>
      Object.entries({ msg, ...fields }).every(([name, value]) => each[name] === value),
    );
  const portOf = async (service: string) =>
    Number((await said("Gateway listens", { service })).port);
  const entry = (number: number, more: object = {}) => ({
    service: number,
    upstream: upstream.url,
    listen: "127.0.0.1:0",
    serviceKeyFile: `${KEYS[number - 1]}.key`,
    ...more,
  });
  const write = (services: readonly object[]) =>
    rig.file("services.json", JSON.stringify({ services }));
  /** Lets the agent read its services again. */
  const reloaded = async () => {
    const before = lines.length;
    agent.reload();
    return line((each) => each.msg === RELOADED && lines.indexOf(each) >= before);
  };
  const health = async () => {
    const { port } = await said("metrics are served");
    const { status, body } = await ask({ port: Number(port), path: "/healthz" });
    const { checks } = JSON.parse(body.toString()) as {
      checks: { name: string; reason?: string }[];
    };
    const services = checks.filter(({ name }) => name.startsWith("service_"));
    return { status, services: services.map(({ name, reason }) => `${name}: ${reason ?? "ok"}`) };
  };

  it("serves those that it can, whatever is wrong with the others", async () => {
    taken = `127.0.0.1:${(blocker.address() as AddressInfo).port}`;
    mkdirSync(state);
    writeFileSync(providerStoreFile(state, rig.devnet.deployment, 4n), "no database".repeat(1_000));
    const third = entry(3, { serviceKeyFile: "absent.key" });
    const stranger = { serviceKeyFile: "stranger.key" };
    write([entry(1), entry(2, { listen: taken }), third, entry(4), entry(9, stranger)]);
    agent = new WorkerProcess({
      name: "provider",
      args: [
        ...["provider", "run", "--services-file", path.join(rig.folder, "services.json")],
        ...["--deployment", path.join(rig.folder, "devnet.json"), "--rpc", rig.devnet.rpcUrl],
        ...["--state", state, "--metrics", "127.0.0.1:0"],
        ...["--coral-listen", "/ip4/127.0.0.1/tcp/0"],
      ],
      env: { BLOCKCLOUD_WALLET_KEY: parts.wallet.key },
      logFile: path.join(rig.folder, "agent.log"),
    });
    agent.onLine((each) => {
      lines.push(each);
      for (const wake of waiting) wake();
      waiting.clear();
    });
    await said("the services have started", { services: 5, failed: 4 });
    await said("the service cannot run", { service: "2", code: "GATEWAY_LISTEN" });
    await said("the service cannot run", { service: "3", code: "KEY_MISSING" });
    await said("the service cannot run", { service: "4", code: "STORE_DAMAGED" });
    await said("the service cannot run", { service: "9", code: "SERVICE_UNREGISTERED" });
    expect((await ask({ port: await portOf("1") })).body.toString()).to.equal("sunny");
    expect(await health()).to.deep.equal({
      status: 503,
      services: [
        "service_1: ok",
        "service_2: cannot start: GATEWAY_LISTEN",
        "service_3: cannot start: KEY_MISSING",
        "service_4: cannot start: STORE_DAMAGED",
        "service_9: cannot start: SERVICE_UNREGISTERED",
      ],
    });
  });

  it("serves one as soon as its port is free", async () => {
    blocker.close();
    await said("the service runs", { service: "2" });
    expect((await ask({ port: await portOf("2") })).body.toString()).to.equal("sunny");
  });

  it("changes nothing for a file with an error", async () => {
    rig.file("services.json", "{");
    agent.reload();
    await said("the services cannot be read: nothing changes", { code: "CONFIG_INVALID" });
    expect((await ask({ port: await portOf("1") })).status).to.equal(200);
  });

  it("reads the file again, and cuts no connection of a service that did not change", async () => {
    const streaming = await head({ port: await portOf("1"), path: "/hold" });
    const answer = whole(streaming);
    write([entry(1), entry(3)]);
    const { services, failed, added, changed, removed } = await reloaded();
    expect({ services, failed, added, changed, removed }).to.deep.equal({
      ...{ services: 2, failed: 0, added: [], changed: ["3"], removed: ["2", "4", "9"] },
    });
    expect((await ask({ port: await portOf("3") })).body.toString()).to.equal("sunny");
    // The removed service drains: clients may use it until the lease of its record ends.
    expect((await ask({ port: await portOf("2") })).status).to.equal(200);
    held[0]?.end("data: two\n\n");
    expect((await answer).body.toString()).to.equal("data: one\n\ndata: two\n\n");
  });

  it("hands a port over, from the service that was removed, and to other settings of one", async () => {
    const port = Number(taken.split(":")[1]);
    const other = await startUpstream((_, response) => response.end("rainy"));
    try {
      write([entry(1), entry(3, { listen: taken })]);
      expect(await reloaded()).to.include({ services: 2, failed: 0 });
      expect((await ask({ port })).body.toString()).to.equal("sunny");
      write([entry(1), entry(3, { listen: taken, upstream: other.url })]);
      expect(await reloaded()).to.include({ services: 2, failed: 0 });
      expect((await ask({ port })).body.toString()).to.equal("rainy");
    } finally {
      await other.stop();
    }
  });

  it("announces all of them by the one key that pays, with one sequence of nonces", async () => {
    for (const number of ["1", "2", "3"]) await said("endpoint announced", { number });
    const logs = await rig.client.getContractEvents({
      ...rig.registry,
      eventName: "Announced",
      fromBlock: 0n,
    });
    const senders = await Promise.all(
      logs.map(async ({ transactionHash: hash }) => {
        const { from } = await rig.client.getTransaction({ hash });
        return from.toLowerCase();
      }),
    );
    expect(new Set(senders)).to.deep.equal(new Set([parts.wallet.address.toLowerCase()]));
  });

  it("stops as a whole, and has shown no key", async () => {
    await agent.stop();
    expect(agent.exitCode).to.equal(0);
    for (const { key } of Object.values(parts))
      expect(JSON.stringify(lines)).not.to.contain(key.slice(2));
  });
});
