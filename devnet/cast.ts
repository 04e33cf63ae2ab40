import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { erc20Abi, parseEther, toHex, type Address, type Hex } from "viem";
import { enrolAuditor } from "../src/auditor/enrol.ts";
import { TransactionSender } from "../src/chain/transactions/sender.ts";
import { Services } from "../src/chain/services.ts";
import { silentLogger } from "../src/node/logger.ts";
import { registerService } from "../src/chain/register.ts";
import type { ProbeInput } from "../src/protocol/probe.ts";
import { classIds, devKey } from "./devnet.ts";
import { LongFile } from "./longFile.ts";
import { FileSet, startUpstream, withFaults, type Fault, type Upstream } from "./upstreams.ts";
import { startProvider } from "./processes.ts";
import {
  deploymentFile,
  keyIndex,
  type DemoAuditor,
  type DemoService,
  type Stage,
} from "./stage.ts";
import type { DemoRelay } from "./relays.ts";
import type { WorkerProcess } from "./worker.ts";

/** Stakes in BLOC; the smallest is 1/7 of their sum, so that every auditor is drawn in every shard. */
export const AUDITOR_STAKES: readonly number[] = [10_000, 11_000, 13_000, 15_000, 18_000];
/** Files of this repository that the file services serve. */
const FILES = ["README.md", "docs/architecture.md", "docs/protocol.md", "LICENSE"];
const ROOT = new URL("../", import.meta.url);
/**
 * The price of the first service. All auditors of the devnet have one address, which gets what five addresses would;
 * gas is worth so little that each voucher is redeemed soon.
 */
const PRICED = [
  ...["--price", "0.2/MB|0.01/request", "--bloc-price", "1000000", "--redeem-every", "5s"],
  ...["--exposure", "0.1", "--least-limit", "10"],
  ...["--free-requests", "1000", "--free-mebibytes", "64"],
];

/**
 * Registers the three services by contract calls and starts their upstreams and their providers.
 *
 * @param workers Receives each process as soon as it runs, so that a failure half-way leaves none behind.
 * @param relays Of the third service; without them it listens itself.
 */
export async function castProviders(
  stage: Stage,
  faultNow: () => Fault,
  workers: WorkerProcess[],
  relays: readonly DemoRelay[] = [],
): Promise<{
  services: DemoService[];
  upstreams: Upstream[];
  file: LongFile;
  relayedFile: LongFile;
  /** For each service: starts a process that takes the place of its provider's. */
  successors: (() => WorkerProcess)[];
}> {
  const files = await FileSet.read(ROOT, FILES);
  const filesProbe: ProbeInput = { v: 1, requests: files.probes() };
  const file = new LongFile();
  const docs = await startUpstream(file.listener(files.listener));
  const relayedFile = new LongFile();
  const faulty = await startUpstream(relayedFile.listener(withFaults(files.listener, faultNow)));
  const plans = [
    {
      name: "docs",
      className: "http",
      stake: 4_000n,
      healthy: true,
      probe: filesProbe,
      upstream: docs.url,
      flags: PRICED,
    },
    {
      name: "chain rpc",
      className: "json-rpc",
      stake: 3_000n,
      healthy: true,
      probe: rpcProbe,
      upstream: stage.devnet.rpcUrl,
    },
    {
      name: "docs, faulty",
      className: "http",
      stake: 2_000n,
      healthy: false,
      probe: filesProbe,
      upstream: faulty.url,
      flags: relays.length === 0 ? [] : ["--relay", ...relays.map(({ name }) => name)],
    },
  ] as const;
  stage.say(`registering ${plans.length} services`);
  const registry = new Services(stage.client, stage.devnet.deployment);
  const services: DemoService[] = [];
  const providers: WorkerProcess[] = [];
  const successors: (() => WorkerProcess)[] = [];
  for (const [index, plan] of plans.entries()) {
    const owner = devKey(keyIndex.owner + index);
    const service = devKey(keyIndex.service + index);
    const stake = parseEther(plan.stake.toString());
    await fund(stage, owner.address, stake + parseEther("10"));
    const number = await registerService(
      sender(stage, owner.key),
      stage.devnet.deployment,
      registry,
      {
        classId: classIds[plan.className],
        key: service.address,
        probe: plan.probe,
        metadata: "",
        stake,
      },
    );
    const { name, className, healthy } = plan;
    services.push({ number, name, className, healthy, stake });
    const start = (...more: string[]) =>
      startProvider(stage, number, plan.upstream, service.key, owner.key, [
        ...("flags" in plan ? plan.flags : []),
        ...more,
      ]);
    const provider = start();
    successors.push(() => start("--take-over"));
    providers.push(provider);
    workers.push(provider);
  }
  stage.say("waiting for the providers to publish their endpoints");
  await Promise.all(providers.map((worker) => worker.logged("provider started")));
  return { services, upstreams: [docs, faulty], file, relayedFile, successors };
}

/** Stakes and enrols auditors by contract calls. */
export async function castAuditors(
  stage: Stage,
  stakes: readonly number[],
): Promise<DemoAuditor[]> {
  stage.say(`enrolling ${stakes.length} auditors`);
  return Promise.all(
    stakes.map(async (bloc, index) => {
      const owner = devKey(keyIndex.auditor + index);
      const stake = parseEther(bloc.toString());
      await fund(stage, owner.address, stake);
      const operator = await enrolAuditor(
        sender(stage, owner.key),
        stage.client,
        stage.devnet.deployment,
        {
          operatorKey: devKey(keyIndex.operator + index).key,
          stake,
          chainNumber: 0,
        },
      );
      return { owner: owner.address, operator, stake };
    }),
  );
}

/** The operator key of an auditor. */
export function operatorKey(index: number): Hex {
  return devKey(keyIndex.operator + index).key;
}

/** BLOC for a visitor, to try a service and an auditor of their own. */
const VISITOR_BLOC = parseEther("100000");

/**
 * Sends BLOC to a spare key and writes its file, with a second key that holds ether, for a visitor who registers a
 * service or enrols an auditor. A third key is for a keeper.
 */
export async function welcomeVisitor(stage: Stage): Promise<void> {
  const visitor = devKey(keyIndex.visitor);
  await fund(stage, visitor.address, VISITOR_BLOC);
  const mode = 0o600;
  await writeFile(path.join(stage.folder, "visitor.key"), visitor.key, { mode });
  const operator = devKey(keyIndex.visitor + 1);
  await writeFile(path.join(stage.folder, "visitor-operator.key"), operator.key, { mode });
  // This account is not among the chain's funded accounts, so it gets ether.
  const keeper = devKey(keyIndex.visitor + 3);
  const request = stage.client.request as (call: object) => Promise<unknown>;
  await request({
    method: "hardhat_setBalance",
    params: [keeper.address, toHex(parseEther("10"))],
  });
  await writeFile(path.join(stage.folder, "visitor-keeper.key"), keeper.key, { mode });
}

/** Writes the deployment file, which every worker reads. */
export async function writeDeployment(stage: Stage): Promise<void> {
  await mkdir(stage.folder, { recursive: true });
  await writeFile(deploymentFile(stage), JSON.stringify(stage.devnet.deployment, null, 2));
}

export async function fund(stage: Stage, to: Address, amount: bigint): Promise<void> {
  await stage.treasury.send({
    address: stage.devnet.deployment.contracts.token,
    abi: erc20Abi,
    functionName: "transfer",
    args: [to, amount],
  });
}

/** A sender of transactions on the demo's chain. */
export function sender(stage: Pick<Stage, "devnet" | "client">, key: Hex): TransactionSender {
  return new TransactionSender(
    { rpcUrls: [stage.devnet.rpcUrl], chainId: stage.devnet.deployment.chainId, key },
    { client: stage.client, log: silentLogger },
  );
}

/** The chain's own JSON-RPC: a call for the newest block, which the auditor compares with its own. */
const rpcProbe: ProbeInput = {
  v: 2,
  requests: [
    {
      rpc: { method: "eth_getBlockByNumber", params: ["latest", false] },
      json: [{ pointer: "/result/hash", hex: true }],
      fresh: { pointer: "/result/number", blocks: 10 },
    },
  ],
};
