import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Hex } from "viem";
import { deploymentFile, keyIndex, type DemoAuditor, type Stage } from "./stage.ts";
import { devKey } from "./devnet.ts";
import { Helper } from "./helper.ts";
import { WorkerProcess } from "./worker.ts";

/** Number of standalone nodes of the record network. */
const CORAL_NODES = 3;

/**
 * Starts the nodes of the record network; each joins through the nodes before it.
 *
 * @returns Their addresses.
 */
export async function castCoral(stage: Stage, workers: WorkerProcess[]): Promise<string[]> {
  stage.say(`starting ${CORAL_NODES} nodes of the record network`);
  const addresses: string[] = [];
  for (let node = 1; node <= CORAL_NODES; node++) {
    const worker = startWorker(
      { ...stage, bootstrap: addresses },
      {
        name: `coral ${node}`,
        args: ["coral", "run", ...coralArgs({ bootstrap: addresses })],
        // Each node has its own key.
        state: `coral-${node}`,
      },
    );
    workers.push(worker);
    const { addresses: own } = await worker.logged("coral listens");
    addresses.push(...(own as string[]));
  }
  return addresses;
}

/** Starts a resolver, and returns the addresses of its fronts. */
export async function castResolver(
  stage: Stage,
  workers: WorkerProcess[],
): Promise<{ http: string; dns: string }> {
  stage.say("starting a resolver");
  const worker = startWorker(stage, {
    name: "resolver",
    args: [
      ...["resolver", "run", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"],
      ...coralArgs(stage),
    ],
  });
  workers.push(worker);
  const { http, dns } = await worker.logged("resolver listens");
  return { http: `http://${String(http)}`, dns: String(dns) };
}

/**
 * Starts the index, where its packages are installed, and the console; returns the page's address. The page works
 * without the index, so nothing waits until the index has read the chain.
 */
export async function castConsole(
  stage: Stage,
  resolver: string,
  workers: WorkerProcess[],
): Promise<{ url: string; helpers: Helper[] }> {
  stage.say("starting the index");
  // With Ponder as its child: about 300 MB. It reads the chain's history from then on.
  const startIndex = (port: string) =>
    startWorker(stage, {
      name: "indexer",
      args: ["indexer", "run", "--listen", `127.0.0.1:${port}`],
    });
  const index = startIndex("0");
  workers.push(index);
  const indexPort = String((await index.logged("index listens")).port);
  stage.say("starting the console");
  const startConsole = (port: string) =>
    startWorker(stage, {
      name: "console",
      args: [
        ...["console", "run", "--listen", `127.0.0.1:${port}`, "--resolver", resolver],
        ...["--index", `http://127.0.0.1:${indexPort}`],
        ...["--allow-loopback", "--test-wallet"],
      ],
    });
  const page = startConsole("0");
  workers.push(page);
  const url = String((await page.logged("console listens")).url);
  const helpers = [
    new Helper(index, workers, () => startIndex(indexPort)),
    new Helper(page, workers, () => startConsole(new URL(url).port)),
  ];
  return { url, helpers };
}

/** Starts the process of a relay. */
export function startRelay(stage: Stage, number: number): WorkerProcess {
  return startWorker(stage, {
    name: `relay ${number}`,
    args: ["relay", "run", "--listen", "127.0.0.1:0"],
    // One host has one relay only, unless their states are apart.
    state: `relay-${number}`,
  });
}

/** What an auditor says when its duties run, whatever the epoch asks of it. */
export const AUDITOR_RUNS = [
  "not enrolled yet",
  "shards drawn",
  "too late to inspect in this epoch",
  "epoch 0 has no seed and no audits: waiting for epoch 1",
];

/** Starts the process of an auditor. */
export function startAuditor(stage: Stage, auditor: DemoAuditor, index: number): WorkerProcess {
  return startWorker(stage, {
    name: `auditor ${index + 1}`,
    args: ["auditor", "run", "--auditor", auditor.owner, ...coralArgs(stage)],
    env: { BLOCKCLOUD_OPERATOR_KEY: devKey(keyIndex.operator + index).key },
  });
}

/**
 * Starts the process of a provider.
 *
 * @param more Flags of a service with a price, or behind relays.
 */
export function startProvider(
  stage: Stage,
  number: bigint,
  upstream: string,
  serviceKey: Hex,
  walletKey: Hex,
  more: readonly string[] = [],
): WorkerProcess {
  return startWorker(stage, {
    name: `provider ${number}`,
    args: [
      ...["provider", "run", "--service", number.toString(), "--upstream", upstream],
      // Any free port: without --endpoint the provider publishes the address that it listens on.
      ...["--listen", "127.0.0.1:0", "--settle-every", "1", ...more],
      ...coralArgs(stage),
    ],
    env: { BLOCKCLOUD_SERVICE_KEY: serviceKey, BLOCKCLOUD_WALLET_KEY: walletKey },
  });
}

/** Starts one process for several services, of which one key pays for all. */
export async function startServices(
  stage: Stage,
  services: readonly { number: bigint; upstream: string; key: Hex }[],
  walletKey: Hex,
): Promise<WorkerProcess> {
  const entries = await Promise.all(
    services.map(async ({ number, upstream, key }) => {
      const serviceKeyFile = path.join(stage.folder, `service-${number}.key`);
      await writeFile(serviceKeyFile, key, { mode: 0o600 });
      const service = number.toString();
      return { service, upstream, listen: "127.0.0.1:0", settleEvery: 1, serviceKeyFile };
    }),
  );
  const file = path.join(stage.folder, "services.json");
  await writeFile(file, JSON.stringify({ services: entries }, null, 2));
  return startWorker(stage, {
    name: "services",
    args: ["provider", "run", "--services-file", file, ...coralArgs(stage)],
    env: { BLOCKCLOUD_WALLET_KEY: walletKey },
  });
}

/** Starts the process of a sub-service. */
export function startSubService(
  stage: Stage,
  device: { id: Hex; delegation: Hex; key: Hex; upstream: string },
): WorkerProcess {
  const { id, delegation, key, upstream } = device;
  return startWorker(stage, {
    name: `sub-service ${id.slice(-8)}`,
    args: [
      ...["subservice", "run", "--id", id, "--delegation", delegation, "--upstream", upstream],
      ...["--listen", "127.0.0.1:0", ...coralArgs(stage)],
    ],
    env: { BLOCKCLOUD_DEVICE_KEY: key },
  });
}

/** Folder of the workers' state. */
export function stateFolder(stage: Pick<Stage, "folder">): string {
  return path.join(stage.folder, "state");
}

/** Flags with which a worker of the demo joins the record network, on loopback only. */
function coralArgs({ bootstrap }: Pick<Stage, "bootstrap">): string[] {
  return [
    ...["--coral-listen", "/ip4/127.0.0.1/tcp/0", "--allow-loopback"],
    ...(bootstrap.length === 0 ? [] : ["--coral-bootstrap", ...bootstrap]),
  ];
}

/** Starts a process of this run. */
function startWorker(
  stage: Stage,
  worker: { name: string; args: string[]; env?: Record<string, string>; state?: string },
): WorkerProcess {
  const { name, args, env = {}, state = "" } = worker;
  const common = ["--deployment", deploymentFile(stage), "--rpc", stage.devnet.rpcUrl];
  return new WorkerProcess({
    name,
    args: [...args, ...common, "--state", path.join(stateFolder(stage), state)],
    env,
    logFile: path.join(stage.folder, `${name.replaceAll(" ", "-")}.log`),
    ...(stage.command !== undefined && { command: stage.command }),
  });
}
