import { rootServiceId } from "../../protocol/serviceId.ts";
import { walletKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { registrationFlags } from "./flags.ts";
import { registerService } from "./registration.ts";

/** `blockcloud service register` */
export const serviceRegister = transactCommand({
  flags: registrationFlags,
  signer: walletKey,
  examples: [
    `blockcloud service register --probe '{"v":1,"requests":[{"path":"/health"}]}' --stake 1000 \\\n` +
      "--service-key-file service.key --wallet-key-file wallet.key",
  ],
  notes: `Sends one transaction. If the staking contract has no allowance, the wallet signs a permit for exactly the fee
and the stake. After an interruption run it again: it finds a service that this wallet registered with this service
key, and does not register twice.`,
  async run(context) {
    const { flags, transactor, output } = context;
    const owner = transactor.account;
    const { number, already, sent } = await registerService(context, flags);
    const id = rootServiceId(number);
    const said = { number: Number(number), id, owner, already };
    if (already)
      output.print(said, `service ${number} is registered already, with this key, by ${owner}`);
    else {
      output.print(
        { ...said, transactions: sentJson(sent) },
        `service ${number}, owned by ${owner}, counts two epochs from now\nID ${id}`,
      );
    }
    return undefined;
  },
});
