import { mkdtempSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { SalClient } from "../../src/sal/client/salClient.ts";
import { FlowAgent } from "../../src/sal/flowAgent.ts";
import { Payer } from "../../src/sal/pay/payer.ts";
import { serve } from "../resolve/worker.ts";
import { createWallet } from "../sal/cashierParts.ts";
import { cpu } from "../sal/processCpu.ts";
import { clientDependencies, fixedLocator, locatedAt } from "../sal/service.ts";

/** Small requests over kept flows of one session. */
export interface Requests {
  port: number;
  isPaid: boolean;
  requests: number;
  /** At the same time. */
  lanes: number;
}

export interface Requested {
  perSecond: number;
  /** Vouchers that were sent. */
  payments: number;
}

serve({ run, cpu });

const agents = new Map<number, FlowAgent>();
let payments = 0;

async function run({ port, isPaid, requests, lanes }: Requests): Promise<Requested> {
  const agent = agents.get(port) ?? agentOf(port, isPaid, lanes);
  agents.set(port, agent);
  payments = 0;
  let left = requests;
  const from = performance.now();
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await request(agent);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { perSecond: requests / ((performance.now() - from) / 1000), payments };
}

function agentOf(port: number, isPaid: boolean, lanes: number): FlowAgent {
  const dependencies = clientDependencies(fixedLocator(locatedAt([port])));
  const client = new SalClient({}, isPaid ? { ...dependencies, payer: payer() } : dependencies);
  const agent = new FlowAgent((host, flowPort) => client.connect(host, flowPort), true);
  agent.maxFreeSockets = lanes;
  return agent;
}

function payer(): Payer {
  const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-bench-"));
  return new Payer({
    wallet: createWallet(path.join(folder, "wallet.sqlite")),
    observer: {
      spent: () => {
        payments += 1;
      },
    },
  });
}

function request(agent: FlowAgent): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: "bench", port: 80, path: "/", agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`Status ${response.statusCode ?? 0}.`));
      response.resume().on("end", resolve).on("error", reject);
    }).on("error", reject);
  });
}
