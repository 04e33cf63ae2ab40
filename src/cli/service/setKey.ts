import { addressOfKey } from "../../protocol/signature.ts";
import { service, serviceKey, walletKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { changeService } from "./change.ts";
import { serviceState } from "./state.ts";

/** `blockcloud service set-key` */
export const serviceSetKey = transactCommand({
  name: "set-key",
  about: "Replace the key that signs: records at once, receipts from the next epoch on.",
  flags: { service, serviceKey },
  signer: walletKey,
  examples: [
    "blockcloud service set-key --service 7 --service-key-file new.key --wallet-key-file wallet.key",
  ],
  notes: `Start the worker again with the new key as soon as this is in a block: nobody takes records by the old one
from then on, and delegations to sub-services are void. Keep the old key, and name it to the worker with
--previous-service-key-file: it answers challenges that were opened while it counted.`,
  async run(context) {
    const { flags, client, deployment } = context;
    const key = addressOfKey(flags.serviceKey);
    const state = await serviceState(client, deployment, flags.service);
    const lines =
      BigInt(state.key) === 0n
        ? [`key ${key} counts from the next epoch on`]
        : [
            `key ${key} counts from the next epoch on, instead of ${state.key}`,
            "its records count at once: start the worker again with it, and the old one as a previous key",
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
