import { addressOfKey } from "../../protocol/signature.ts";
import { service, serviceKey, walletKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { changeService } from "./change.ts";
import { serviceState } from "./state.ts";

/** `blockcloud service set-key` */
export const serviceSetKey = transactCommand({
  flags: { service, serviceKey },
  signer: walletKey,
  examples: [
    "blockcloud service set-key --service 7 --service-key-file new.key --wallet-key-file wallet.key",
  ],
  notes: `Restart the worker with the new key as soon as the transaction is in a block: from then on clients refuse
records of the old key, and delegations to sub-services are void. Keep the old key, and give it to the worker with
--previous-service-key-file: it must answer challenges that were opened while it was in effect.`,
  async run(context) {
    const { flags, client, deployment } = context;
    const key = addressOfKey(flags.serviceKey);
    const state = await serviceState(client, deployment, flags.service);
    const lines =
      BigInt(state.key) === 0n
        ? [`key ${key} counts two epochs from now`]
        : [
            `key ${key} counts two epochs from now, instead of ${state.key}`,
            "it signs records at once: restart the worker with it, and with the old key as a previous key",
          ];
    return changeService(context, {
      number: flags.service,
      title: "replace the service key",
      already: state.key === key ? `${key} is the service's key` : undefined,
      name: "set key",
      functionName: "setKey",
      args: [flags.service, key],
      outcome: lines,
      json: { key },
    });
  },
});
