import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { workerFlags } from "../framework/commonFlags.ts";
import { coralAllowLoopback, coralFlags, coralOptions } from "../framework/coralFlags.ts";
import { document, key, text } from "../framework/flag.ts";
import { hexText, serviceIdText } from "../framework/values.ts";
import { runWorker } from "../framework/worker.ts";
import { endpoint, listen, upstream } from "../provider/flags.ts";

/** `blockcloud subservice run` */
export const subserviceRun = chainCommand({
  name: "run",
  about: "Serve an HTTP upstream as a sub-service: receipts and record by the device's own key.",
  flags: {
    id: text("--id <service ID>", "the sub-service's ID", serviceIdText, {
      env: "BLOCKCLOUD_SUBSERVICE",
      config: "subservice.id",
      required: true,
    }),
    delegation: document("--delegation <hex|@file>", "what subservice add printed", hexText, {
      env: "BLOCKCLOUD_DELEGATION",
      config: "subservice.delegation",
      required: true,
    }),
    upstream,
    listen,
    endpoint,
    deviceKey: key("--device-key-file <path>", "file with the device's key, mode 600", {
      env: "BLOCKCLOUD_DEVICE_KEY",
      config: "keys.device",
      required: true,
    }),
    ...coralFlags(0),
    allowLoopback: coralAllowLoopback,
    ...workerFlags,
  },
  examples: [
    "blockcloud subservice run --id 0x00000000000000070000000070997970c51812dc3a010c7d01b50e0d17dc79c8 \\\n" +
      "--delegation @delegation --device-key-file device.key --upstream http://127.0.0.1:3000 \\\n" +
      "--listen 0.0.0.0:8080 --endpoint http://203.0.113.7:8080",
  ],
  notes: "It sends no transaction: the device needs no ether.",
  async run({ flags, deployment }) {
    // The record network takes half a second to load: not for every command.
    const { createSubService } = await import("../../provider/createSubService.ts");
    return runWorker(flags, {
      name: "subservice",
      key: flags.deviceKey,
      deployment,
      create: (log, metrics) =>
        createSubService(
          {
            rpcUrls: flags.rpc,
            deployment,
            serviceId: flags.id,
            key: flags.deviceKey,
            delegation: flags.delegation,
            upstream: flags.upstream,
            listen: flags.listen,
            endpoint: flags.endpoint?.href,
            stateDir: flags.state,
            coral: coralOptions(flags, deployment, {
              name: `subservice-${flags.id}`,
              subscribe: false,
              allowLoopback: flags.allowLoopback,
            }),
          },
          { timers: systemTimers, log, metrics },
        ),
    });
  },
});
