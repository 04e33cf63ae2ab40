import { pipeline } from "node:stream/promises";
import { wholeNumber } from "../framework/values.ts";
import { silentLogger } from "../../node/logger.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { state } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { fullName, serviceArgument, userFlags } from "./flags.ts";
import { checkPay, payFlags, payingClient } from "./payFlags.ts";

/** `blockcloud connect` */
export const connect = chainCommand(
  {
    args: { service: serviceArgument },
    flags: {
      ...userFlags,
      ...payFlags,
      state,
      port: text("--port <number>", "port of the service", wholeNumber(1, 65_535), {
        required: true,
      }),
    },
    examples: [
      "blockcloud connect weather.bloc.alt --port 80",
      "blockcloud connect 4 --port 22 --resolver http://127.0.0.1:8053",
    ],
    notes: `Joins standard input and output with a flow to the service. The flow goes on when the service or this host
moves. The exit code is 0 only if both directions ended complete.

As a transport of ssh:
  ssh -o ProxyCommand='blockcloud connect host.bloc.alt --port 22' host`,
    async run({ args, flags, client: chain, deployment, io, signal, progress }) {
      const environment = { client: chain, timers: io.timers, log: silentLogger };
      const paying = await payingClient(flags, deployment, environment);
      const { client } = paying;
      try {
        const flow = await client.connect(fullName(args.service), { port: flags.port, signal });
        const [session] = client.sessions;
        if (session !== undefined)
          progress.say(`connected to ${session.serviceId} at ${session.endpoint}`);
        await Promise.all([
          pipeline(io.stdin, flow, { signal }),
          pipeline(flow, io.stdout, { end: false, signal }),
        ]);
        return undefined;
      } finally {
        await paying.close();
      }
    },
  },
  { check: checkPay },
);
