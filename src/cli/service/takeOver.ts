import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { encodeProbe } from "../../protocol/probe.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { service, walletKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { registryCall } from "./change.ts";
import { classNamed, isEnough, needMinimumStake } from "./classes.ts";
import { registrationFlags } from "./flags.ts";

/** `blockcloud service take-over` */
export const serviceTakeOver = transactCommand({
  flags: {
    service,
    ...registrationFlags,
  },
  signer: walletKey,
  examples: [
    `blockcloud service take-over --service 7 --probe '{"v":1,"requests":[{"path":"/health"}]}' \\\n` +
      "--service-key-file service.key --wallet-key-file wallet.key",
  ],
  notes: `--network or --deployment names the new version. First retire the service in the earlier version, with the
same wallet. Its stake in the earlier version unbonds, and its pay is settled, by the rules of that version.`,
  async run({ flags, client, deployment, services, transactor, output }) {
    const owner = transactor.account;
    const number = flags.service;
    const id = rootServiceId(number);
    if ((await services.statusNow(number)) !== "None") {
      const registry = { address: deployment.contracts.registry, abi: serviceRegistryAbi };
      const args = [number] as const;
      const holder = await client.readContract({ ...registry, functionName: "ownerOf", args });
      output.print(
        { number: Number(number), id, owner: holder, already: true },
        `service ${number} is here already, owned by ${holder}`,
      );
      return undefined;
    }
    const [classId, kind] = await classNamed(services, flags.class);
    const { stake } = flags;
    needMinimumStake(kind, stake, flags.belowMinimum);
    const probe = bytesToHex(encodeProbe(flags.probe, kind.name));
    const { registry, staking } = deployment.contracts;
    const key = addressOfKey(flags.serviceKey);
    const args = [number, classId, key, probe, flags.metadata, stake];
    const takeOver = { name: "takeOver", call: registryCall(registry, "takeOver", args) };
    const sent = await transactor.carryOut({
      title: `take service ${number} over from the earlier version`,
      steps: [await transactor.paying(takeOver, staking, stake)],
      bloc: { staked: stake },
      outcome: [
        isEnough(kind, stake)
          ? "the service continues here two epochs from now, with its label if it has one"
          : "the service is here, and Unstaked until its stake reaches the class's minimum",
      ],
    });
    output.print(
      { number: Number(number), id, owner, already: false, transactions: sentJson(sent) },
      `service ${number}, owned by ${owner}, counts here two epochs from now\nID ${id}`,
    );
    return undefined;
  },
});
