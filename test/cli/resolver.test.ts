import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import dnsPacket from "dns-packet";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { hexToBytes } from "viem";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { signRecord } from "../../src/protocol/record.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { rawName } from "../../src/protocol/name.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { answerFromJson } from "../../src/resolver/answerSchema.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";

const bin = path.join(import.meta.dirname, "../../bin/blockcloud");

describe("blockcloud resolver run", () => {
  let rig: CliRig;
  let child: ChildProcess;
  let listens: { http: string; dns: string };

  before(async () => {
    rig = await CliRig.start();
    const { contracts, chainId } = rig.devnet.deployment;
    const register = `service register --probe '${PROBE}' --wallet-key-file wallet.key
      --service-key-file service.key --yes`;
    expect((await rig.cli(register)).code).to.equal(0);
    await rig.epochs(1);
    const { timestamp } = await rig.client.getBlock();
    const record = {
      serviceId: rootServiceId(1n),
      issuedAt: timestamp * 1000n,
      expiresAt: (timestamp + 3_600n) * 1000n,
      endpoints: [{ uri: "https://127.0.0.1:8443/", priority: 0, weight: 1 }],
      delegation: "0x" as const,
    };
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    const signed = signRecord(record, domain, hexToBytes(parts.service.key));
    const { registry } = contracts;
    await rig.send(parts.wallet.key, registry, serviceRegistryAbi, "announce", [1n, signed]);

    const { rpcUrl } = rig.devnet;
    const where = ["--deployment", "devnet.json", "--rpc", rpcUrl, "--state", "resolver"];
    const fronts = ["--http", ":0", "--dns", ":0", "--allow-loopback"];
    const node = ["--coral-listen", "/ip4/127.0.0.1/tcp/0"];
    const args = [bin, "resolver", "run", ...where, ...fronts, ...node];
    child = spawn(process.execPath, args, {
      cwd: rig.folder,
      env: {},
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface({ input: child.stdout! })) {
      const { msg, ...fields } = JSON.parse(line) as { msg: string } & typeof listens;
      if (msg !== "resolver listens") continue;
      listens = fields;
      break;
    }
    child.stdout!.resume();
  });
  after(async () => {
    if (child.exitCode === null) child.kill("SIGKILL");
    await rig.stop();
  });

  it("answers over HTTP with an announcement on chain", async () => {
    const response = await fetch(`http://${listens.http}/v1/resolve/${rootServiceId(1n)}`);
    expect(response.status, await response.clone().text()).to.equal(200);
    const answer = answerFromJson(await response.json());
    expect(answer.endpoints[0]?.uri).to.equal("https://127.0.0.1:8443/");
    expect([answer.source, answer.service?.number]).to.deep.equal(["announcement", 1n]);
    const none = await fetch(`http://${listens.http}/v1/resolve/nobody.bloc.alt`);
    expect(none.status).to.equal(404);
  });

  it("answers the same over DNS", async () => {
    const socket = createSocket("udp4");
    const name = rawName(rootServiceId(1n));
    const query = dnsPacket.encode({ type: "query", id: 1, questions: [{ type: "A", name }] });
    const answered = once(socket, "message");
    const [host = "", port = ""] = listens.dns.split(":");
    socket.send(query, Number(port), host);
    const [message] = (await answered) as [Buffer];
    socket.close();
    const [answer] = dnsPacket.decode(message).answers ?? [];
    expect(answer).to.include({ type: "A", data: "127.0.0.1" });
  });

  it("serves its metrics, and ends when it is told to", async () => {
    const metrics = await (await fetch(`http://${listens.http}/metrics`)).text();
    expect(metrics).to.contain('blockcloud_resolver_requests_total{status="2xx"}');
    const closed = once(child, "close");
    child.kill("SIGTERM");
    expect(await closed).to.deep.equal([0, null]);
  });
});
