import type { Client } from "../src/client/client.ts";
import { createClient } from "../src/client/createClient.ts";
import { silentLogger } from "../src/node/logger.ts";
import { BlockcloudError } from "../src/protocol/errors.ts";
import { createSalProxy, type SalProxy } from "../src/sal/proxy/salProxy.ts";
import { Download, type DemoDownload, type DownloadingUser } from "./download.ts";
import type { LongFile } from "./longFile.ts";
import { startRelay } from "./processes.ts";
import type { Stage } from "./stage.ts";
import type { WorkerProcess } from "./worker.ts";

/** The result of a download from a service behind relays, one of which was killed in the middle. */
export interface DemoRelayLoss extends DemoDownload {
  /** `host:port` of the relay that was killed. */
  killed: string;
}

/** Relays of the service behind them. */
const RELAYS = 2;

/** A relay of the demo. */
export interface DemoRelay {
  /** `host:port`. */
  name: string;
  worker: WorkerProcess;
}

/** Starts the relays. */
export async function castRelays(stage: Stage, workers: WorkerProcess[]): Promise<DemoRelay[]> {
  stage.say(`starting ${RELAYS} relays`);
  const relays: DemoRelay[] = [];
  for (let number = 1; number <= RELAYS; number++) {
    const worker = startRelay(stage, number);
    workers.push(worker);
    const { names } = await worker.logged("relay listens");
    relays.push({ name: (names as string[])[0] ?? "", worker });
  }
  return relays;
}

/** A user without a wallet, whose programs know only the local proxy. */
export class PlainUser implements DownloadingUser {
  readonly client: Client;
  readonly proxy: SalProxy;
  moved: (gapMs: number) => void = () => undefined;

  constructor({ devnet }: Stage, resolver: string) {
    const { deployment, rpcUrl } = devnet;
    this.client = createClient(
      { deployment, rpc: rpcUrl, resolver, allowLoopback: true },
      {
        observer: {
          moved: ({ gapMs }) => {
            this.moved(gapMs);
          },
        },
      },
    );
    this.proxy = createSalProxy(
      { listen: { port: 0 } },
      {
        dial: ({ host, port }, signal) => this.client.connect(host, { port, signal }),
        logger: silentLogger,
      },
    );
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.proxy.stop();
  }
}

/**
 * Kills the relay over which a download runs, and waits until the download has ended over another one.
 *
 * @param workers The killed one is taken out: that it has ended is no failure of the run.
 * @throws BlockcloudError `RELAY_UNUSED` if the download runs over no relay.
 */
export async function loseRelay(
  stage: Stage,
  run: {
    service: bigint;
    relays: readonly DemoRelay[];
    file: LongFile;
    resolver: string;
    workers: WorkerProcess[];
  },
): Promise<DemoRelayLoss> {
  const { service, relays, file, resolver, workers } = run;
  const user = new PlainUser(stage, resolver);
  try {
    await user.proxy.start();
    const download = await Download.start(user, service);
    try {
      const used = relays.find(({ name }) => download.from.includes(`//${name}?`));
      if (used === undefined) {
        throw new BlockcloudError("RELAY_UNUSED", `The download runs over ${download.from}.`);
      }
      workers.splice(workers.indexOf(used.worker), 1);
      await used.worker.kill();
      await download.wentOn();
      return { ...(await download.finish(file)), killed: used.name };
    } finally {
      download.stop();
    }
  } finally {
    await user.stop();
  }
}
