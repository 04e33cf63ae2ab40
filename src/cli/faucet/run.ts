import { systemTimers } from "../../node/timers.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { publicFrontLimits } from "../framework/frontFlags.ts";
import { chainPace, feeFlags, feePolicy, workerFlags } from "../framework/commonFlags.ts";
import { runWorker } from "../framework/worker.ts";
import * as own from "./flags.ts";
import { faucetFrontFlags } from "./frontFlags.ts";

/** `blockcloud faucet run` */
export const faucetRun = chainCommand({
  flags: { ...own, ...faucetFrontFlags, ...feeFlags, ...workerFlags },
  examples: [
    "blockcloud faucet run --listen 127.0.0.1:8090 --trust-proxy 127.0.0.1 --faucet-key-file faucet.key",
  ],
  notes: `It runs on test networks only. A client sends POST /v1/gifts with {"address":"0x..."}; GET /v1/faucet shows
amounts, limits and what is left of the day. Use a key that holds no more than you want to give.`,
  async run({ flags, deployment }) {
    const { createFaucet } = await import("../../faucet/createFaucet.ts");
    return runWorker(flags, {
      name: "faucet",
      key: flags.faucetKey,
      deployment,
      create: (log, metrics) =>
        createFaucet(
          {
            rpcUrls: flags.rpc,
            pace: chainPace(flags),
            fees: feePolicy(flags),
            deployment,
            key: flags.faucetKey,
            stateDir: flags.state,
            limits: {
              gift: { bloc: flags.bloc, ether: flags.ether },
              daily: { bloc: flags.dailyBloc, ether: flags.dailyEther },
              waitMs: flags.wait,
              giftsPerPeer: flags.peerGifts,
            },
            front: {
              listen: flags.listen,
              ...publicFrontLimits(flags),
            },
          },
          { timers: systemTimers, log, metrics },
        ),
    });
  },
});
