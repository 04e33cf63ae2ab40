import { service, walletKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { changeService } from "./change.ts";
import { serviceState } from "./state.ts";

/** `blockcloud service reinstate` */
export const serviceReinstate = transactCommand({
  flags: { service },
  signer: walletKey,
  examples: ["blockcloud service reinstate --service 7 --wallet-key-file wallet.key"],
  notes: `A service is suspended if it lost a challenge or failed 8 epochs in a row. Find the cause first: run
blockcloud doctor, and read the worker's log.`,
  async run(context) {
    const { flags, client, deployment } = context;
    const { stake, minimumStake } = await serviceState(client, deployment, flags.service);
    const enough = stake > 0n && stake >= minimumStake;
    return changeService(context, {
      number: flags.service,
      title: "end the suspension",
      name: "reinstate",
      functionName: "reinstate",
      args: [flags.service],
      outcome: [
        enough
          ? "two epochs from now the service is active again, unless another status applies"
          : "the suspension ends, but the stake is below the class's minimum: stake more",
      ],
    });
  },
});
