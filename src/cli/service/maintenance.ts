import { service, walletKey } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { oneOf } from "../framework/values.ts";
import { changeService } from "./change.ts";
import { serviceState } from "./state.ts";

/** `blockcloud service maintenance` */
export const serviceMaintenance = transactCommand({
  flags: { service },
  args: { state: text("<state>", "on or off", oneOf("on", "off"), { required: true }) },
  signer: walletKey,
  examples: [
    "blockcloud service maintenance on --service 7 --wallet-key-file wallet.key",
    "blockcloud service maintenance off --service 7 --wallet-key-file wallet.key",
  ],
  notes: `A service in maintenance is not audited, not paid and not challenged. Its stake stays. Keep it running
for two epochs, because the change counts only then.`,
  async run(context) {
    const { flags, args, client, deployment } = context;
    const { status } = await serviceState(client, deployment, flags.service);
    const on = args.state === "on";
    return changeService(context, {
      number: flags.service,
      title: on ? "begin maintenance" : "end maintenance",
      already: on && status === "Maintenance" ? "the service is in maintenance" : undefined,
      name: `maintenance ${args.state}`,
      functionName: "setMaintenance",
      args: [flags.service, on],
      outcome: [
        on
          ? "two epochs from now the service is not audited and earns nothing"
          : "two epochs from now the service is active again, unless another status applies",
      ],
      json: { maintenance: on },
    });
  },
});
