import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { erc20Abi, parseEther, type Hex } from "viem";

import { createChainClient } from "../../src/chain/client.ts";
import type { Call } from "../../src/chain/transactions/call.ts";
import type { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { contractsOf } from "../../src/chain/views/contracts.ts";
import { Services } from "../../src/chain/services.ts";
import { sender, writeDeployment } from "../../devnet/cast.ts";
import { keyIndex, type Stage } from "../../devnet/stage.ts";
import { classIds, devKey, startDevnet } from "../../devnet/devnet.ts";
import {
  castCoral,
  castResolver,
  startProvider,
  startSubService,
  stateFolder,
} from "../../devnet/processes.ts";
import { deploymentFile } from "../../devnet/stage.ts";
import { startUpstream } from "../../devnet/upstreams.ts";
import type { WorkerProcess } from "../../devnet/worker.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { labelCommitment } from "../../src/protocol/label.ts";
import { rawName } from "../../src/protocol/name.ts";
import { decodeReceipt, ReceiptSigner } from "../../src/protocol/receipt.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { RECORD_LEASE_MS } from "../../src/provider/publish/lease.ts";
import { registerService } from "../../src/chain/register.ts";
import { createResolver } from "../../src/resolver/createResolver.ts";
import { ChainDriver } from "../support/chainDriver.ts";
import { runCli } from "../support/cli.ts";

/** Long: nothing here is audited, and statuses do not change by themselves. */
const EPOCH_SECONDS = 3_600;
const NUMBER = 1n;
const LABEL = "weather";
const NAME = `${LABEL}.bloc.alt`;

interface HttpAnswer {
  status: number;
  endpoints?: { uri: string }[];
  source?: string;
  superseded?: boolean;
  code?: string;
}

describe("layer 3, end to end, with real processes", () => {
  let stage: Stage;
  let driver: ChainDriver;
  let owner: TransactionSender;
  let resolver: { http: string; dns: string };
  let provider: WorkerProcess;
  let coral: WorkerProcess[];
  const closing: (() => Promise<unknown>)[] = [];
  /** Where a program of one's own was told that the service moved to. */
  let told: Promise<string>;
  /** Ends that program. */
  let leave: () => Promise<void>;
  let id: Hex;
  let agent: WorkerProcess;
  const name = `roof.${NAME}`;
  const service = devKey(keyIndex.service);
  const device = devKey(keyIndex.service + 1);

  const look = async (name: string): Promise<HttpAnswer> => {
    const response = await fetch(`${resolver.http}/v1/resolve/${name}`);
    return { ...((await response.json()) as HttpAnswer), status: response.status };
  };
  const uri = async (name: string) => (await look(name)).endpoints?.[0]?.uri;
  const cli = (...args: string[]) =>
    runCli([...args, "--json"], {
      cwd: stage.folder,
      env: {
        BLOCKCLOUD_DEPLOYMENT: deploymentFile(stage),
        BLOCKCLOUD_RPC: stage.devnet.rpcUrl,
        BLOCKCLOUD_STATE: stateFolder(stage),
        BLOCKCLOUD_SERVICE_KEY: service.key,
      },
    });
  const transactions = () => stage.client.getTransactionCount({ address: owner.address });
  const contracts = () => contractsOf(stage.devnet.deployment);
  const call = (contract: Pick<Call, "address" | "abi">, functionName: string, args: unknown[]) =>
    owner.send({ ...contract, functionName, args });
  const later = async (seconds: number) => {
    const { timestamp } = await stage.client.getBlock();
    const request = stage.client.request as (call: object) => Promise<unknown>;
    const params = [Number(timestamp) + seconds];
    await request({ method: "evm_setNextBlockTimestamp", params });
    await request({ method: "evm_mine", params: [] });
  };

  before(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "blockcloud-e2e-"));
    closing.push(() => rm(folder, { recursive: true }));
    const devnet = await startDevnet(folder, { automine: true, epochSeconds: EPOCH_SECONDS });
    closing.push(() => devnet.stop());
    const { deployment, rpcUrl } = devnet;
    const client = createChainClient([rpcUrl], deployment.chainId);
    const treasury = sender({ devnet, client }, devKey(keyIndex.treasury).key);
    stage = { devnet, client, treasury, folder, bootstrap: [], say: () => undefined };
    await writeDeployment(stage);
    driver = new ChainDriver(client, deployment);

    const wallet = devKey(keyIndex.owner);
    owner = sender(stage, wallet.key);
    await treasury.send({
      address: deployment.contracts.token,
      abi: erc20Abi,
      functionName: "transfer",
      args: [wallet.address, parseEther("2000")],
    });
    const number = await registerService(owner, deployment, new Services(client, deployment), {
      classId: classIds.http,
      key: service.address,
      probe: { v: 1, requests: [{ path: "/" }] },
      metadata: "",
      stake: parseEther("1000"),
    });
    expect(number).to.equal(NUMBER);
    const salt = bytesToHex(randomBytes(32));
    const { labels } = contracts();
    const token = { address: deployment.contracts.token, abi: erc20Abi };
    // A label needs a service that is active by now.
    await later(2 * EPOCH_SECONDS);
    await call(labels, "commitLabel", [labelCommitment(LABEL, wallet.address, salt)]);
    // Longer than the deployment's `labelMinimumAge`.
    await later(10);
    await call(token, "approve", [labels.address, parseEther("50")]);
    await call(labels, "setLabel", [NUMBER, LABEL, salt]);

    const upstream = await startUpstream((_, response) => response.end("sunny"));
    closing.push(() => upstream.stop());
    coral = [];
    const others: WorkerProcess[] = [];
    closing.push(() => Promise.all([...coral, ...others].map((worker) => worker.stop())));
    stage = { ...stage, bootstrap: await castCoral(stage, coral) };
    resolver = await castResolver(stage, others);
    provider = startProvider(stage, NUMBER, upstream.url, service.key, wallet.key);
    others.push(provider);
    await provider.logged("provider started");
    await driver.until("the resolver knows it", async () => (await look(NAME)).source === "coral");
  });

  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  it("answers for a label, a raw name and an ID, over HTTP and DNS, with where the gateway listens", async () => {
    const line = await provider.logged("endpoint published");
    const [endpoint] = line.endpoints as string[];
    const id = rootServiceId(NUMBER);
    for (const name of [NAME, rawName(id), id]) expect(await uri(name), name).to.equal(endpoint);
    expect(await (await fetch(endpoint!)).text()).to.equal("sunny");
  });

  it("answers dig with address and port", async function () {
    const { host, port } = /^(?<host>.*):(?<port>\d+)$/.exec(resolver.dns)!.groups!;
    const dig = (...question: string[]) =>
      spawnSync("dig", [`@${host}`, "-p", port!, "+short", ...question], { encoding: "utf8" });
    const address = dig(NAME, "A");
    if (address.error !== undefined) this.skip();
    expect(address.stdout.trim()).to.equal("127.0.0.1");
    const [endpoint] = (await look(NAME)).endpoints!;
    expect(dig(`_http._tcp.${NAME}`, "SRV").stdout).to.contain(` ${new URL(endpoint!.uri).port} `);
  });

  it("gives answers that check out against the key on chain", async () => {
    const outcome = await cli("resolve", NAME, "--resolver", resolver.http, "--verify");
    expect(outcome.code, outcome.stderr).to.equal(0);
  });

  it("is found by a program of one's own, which is told of the move", async () => {
    const { deployment, rpcUrl } = stage.devnet;
    const own = createResolver({
      rpcUrls: [rpcUrl],
      deployment,
      coral: { bootstrap: stage.bootstrap, allowPrivate: true },
    });
    await own.start();
    let running = true;
    leave = async () => {
      if (running) await own.stop();
      running = false;
    };
    closing.push(() => leave());
    const answer = await own.resolve(NAME);
    expect(answer.endpoints[0]!.uri).to.equal(await uri(NAME));
    expect(answer).to.include({ source: "coral", superseded: false });
    expect(answer.service).to.include({ number: NUMBER, status: "Active", key: service.address });
    expect(own.lookup(answer.serviceId)?.record).to.equal(answer.record);
    told = new Promise((resolve) => {
      own.watch(answer.serviceId, (change) => {
        const to = "answer" in change ? change.answer.endpoints[0]!.uri : undefined;
        if (to !== undefined && to !== answer.endpoints[0]!.uri) resolve(to);
      });
    });
  });

  it("follows a move within the lease of the old record, without a transaction", async () => {
    const [before, sent] = [await uri(NAME), await transactions()];
    const move = await cli(
      "provider",
      "move",
      "--service",
      "1",
      "--listen",
      "127.0.0.1:0",
      "--drain",
      "5m",
    );
    expect(move.code, move.stderr).to.equal(0);
    expect(move.json().graceMs).to.equal(300_000);
    const [to] = move.json().uris as string[];
    expect(to).not.to.equal(before);
    await driver.until("the resolver says the new place", async () => (await uri(NAME)) === to);
    expect(await (await fetch(to!)).text()).to.equal("sunny");
    expect(await (await fetch(before!)).text(), "and the old one still serves").to.equal("sunny");
    expect(await transactions()).to.equal(sent);
    expect(await told, "by push").to.equal(to);

    const shown = async (...flags: string[]) => {
      const { code, stderr, json } = await cli("service", "show", "1", "--skip-probe", ...flags);
      expect(code, stderr).to.equal(0);
      interface Shown {
        record: { endpoints: { uri: string }[] };
      }
      const { service, announced } = json() as { service: { record: Shown }; announced: Shown };
      return [service.record, announced].map(({ record }) => record.endpoints[0]!.uri);
    };
    // What users find, and what is announced on chain.
    expect(await shown("--resolver", resolver.http), "by a resolver").to.deep.equal([to, before]);
    expect(await shown(), "by the record network").to.deep.equal([to, before]);
  });

  it("names a sub-service, reached by the device's own key, without a transaction", async () => {
    const sent = await transactions();
    const self = device.address;
    const add = await cli("subservice", "add", "--service", "1", "--self", self, "--label", "roof");
    expect(add.code, add.stderr).to.equal(0);
    const { serviceId, delegation } = add.json() as { serviceId: Hex; delegation: Hex };
    id = serviceId;
    const upstream = await startUpstream((_, response) => response.end("windy"));
    closing.push(() => upstream.stop());
    agent = startSubService(stage, { id, delegation, key: device.key, upstream: upstream.url });
    closing.push(() => agent.stop());
    await agent.logged("endpoint published");
    await driver.until("the name leads there", async () => (await uri(name)) !== undefined);

    const nonce = bytesToHex(randomBytes(32));
    const answer = await fetch((await uri(name))!, { headers: { "service-nonce": nonce } });
    expect(await answer.text()).to.equal("windy");
    const receipt = decodeReceipt(answer.headers.get("service-receipt")!);
    const { chainId, contracts } = stage.devnet.deployment;
    const receipts = new ReceiptSigner(blockcloudDomain(BigInt(chainId), contracts.registry));
    expect(receipt.serviceId).to.equal(id);
    expect(receipts.recover(receipt)).to.equal(self);
    expect(await transactions()).to.equal(sent);
    const verified = await cli("resolve", name, "--resolver", resolver.http, "--verify");
    expect(verified.code, verified.stderr).to.equal(0);
  });

  it("lets a sub-service go from every answer once it was taken back", async () => {
    const revoke = await cli("subservice", "revoke", "roof", "--service", "1");
    expect(revoke.code, revoke.stderr).to.equal(0);
    const code = async (asked: string) => (await look(asked)).code;
    await driver.until("the name is gone", async () => (await code(name)) === "SERVICE_UNKNOWN");
    await driver.until("the ID is gone", async () => (await look(id)).status !== 200);
    expect((await look(NAME)).status, "its root is not").to.equal(200);
  });

  it("serves within the lease when the network is gone, then what was announced, and says so", async () => {
    await Promise.all([provider.kill(), agent.kill(), leave()]);
    await Promise.all(coral.map((worker) => worker.stop()));
    const { source, superseded } = await look(NAME);
    expect({ source, superseded }).to.deep.equal({ source: "coral", superseded: false });
    await later(RECORD_LEASE_MS / 1000 + 1);
    await driver.until("the announcement stands in", async () => {
      const answer = await look(NAME);
      return answer.source === "announcement" && answer.superseded === true;
    });
    const verified = await cli("resolve", NAME, "--resolver", resolver.http, "--verify");
    expect(verified.code, verified.stderr).to.equal(0);
  });

  it("drops a record the moment its key is replaced", async () => {
    await call(contracts().registry, "setKey", [NUMBER, device.address]);
    await driver.until("nothing holds", async () => (await look(NAME)).status !== 200);
    expect((await look(NAME)).code, "and no source can be reached").to.equal(
      "RESOLVER_UNREACHABLE",
    );
  });
});
