import { userFlags, clientOf } from "../user/flags.ts";
import { workerFlags } from "../framework/commonFlags.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { publicFrontLimits } from "../framework/frontFlags.ts";
import { runWorker } from "../framework/worker.ts";
import { pageFolder } from "./build.ts";
import { consoleFlags } from "./flags.ts";

/** `blockcloud console run` */
export const consoleRun = chainCommand({
  flags: {
    ...consoleFlags,
    ...userFlags,
    ...workerFlags,
  },
  examples: [
    "blockcloud console run",
    "blockcloud console run --listen :8060 --index http://127.0.0.1:8070",
    "blockcloud console run --listen 192.0.2.7:8060 --host-name console.example --resolver http://127.0.0.1:8053",
  ],
  notes: "docs/console.md describes the page, and how any other web server serves it.",
  async run({ flags, deployment, io, progress }) {
    const folder = await pageFolder((message) => {
      progress.say(message);
    });
    const { ConsoleServer } = await import("../../console/consoleServer.ts");
    const { PublicHttpMetrics } = await import("../../net/publicHttpMetrics.ts");
    const { PathLog } = await import("../../console/pathLog.ts");
    const { consoleConfig } = await import("../../console/consoleConfig.ts");
    const { readPageFiles } = await import("../../console/pageFiles.ts");
    const files = readPageFiles(folder);
    const { index, listen, hostName, testWallet, rpc } = flags;
    const indexUrl = index;
    const config = consoleConfig(deployment, {
      hasIndex: indexUrl !== undefined,
      isEmbedded: testWallet,
    });
    const paths = new PathLog(() => io.now());
    const client = await clientOf(flags, deployment, { timers: io.timers, observer: paths });
    return runWorker(flags, {
      name: "console",
      deployment,
      create: (log, metrics) =>
        new ConsoleServer(
          {
            ...publicFrontLimits(flags),
            ...{ listen, names: hostName ?? [], config, files, rpcUrls: rpc, indexUrl },
          },
          {
            ...{ client, paths, timers: io.timers, log },
            refusals: new PublicHttpMetrics(metrics),
            fetch: (url, init) => fetch(url, init),
          },
        ),
    });
  },
});
