import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { encodeProbe } from "../../protocol/probe.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { service, walletKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { classNamed } from "./classes.ts";
import { registrationFlags } from "./flags.ts";

/** `blockcloud service take-over` */
export const serviceTakeOver = transactCommand({
  name: "take-over",
  about: "Go on with a service of the contracts' earlier version, under its number and label.",
  flags: {
    service,
    ...registrationFlags,
  },
  signer: walletKey,
  examples: [
    `blockcloud service take-over --service 7 --probe '{"v":1,"requests":[{"path":"/health"}]}' \\\n` +
      "--service-key-file service.key --wallet-key-file wallet.key",
  ],
  notes: `--network or --deployment names the new version. Retire the service in the earlier one first, with the
same wallet; its stake there unbonds by its own rules, and what it earned there is settled there.`,
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
    const approval = await transactor.approval(
      deployment.contracts.staking,
      stake,
      "the staking contract",
    );
    const probe = bytesToHex(encodeProbe(flags.probe, kind.name));
    const sent = await transactor.carryOut({
      title: `take service ${number} over from the earlier version`,
      steps: [
        ...approval,
        {
          name: "takeOver",
          call: {
            address: deployment.contracts.registry,
            abi: serviceRegistryAbi,
            functionName: "takeOver",
            args: [number, classId, addressOfKey(flags.serviceKey), probe, flags.metadata, stake],
          },
          ...(approval.length > 0 && { roughGas: 400_000n }),
        },
      ],
      bloc: { staked: stake },
      outcome: ["the service goes on here from the next epoch on, with its label if it has one"],
    });
    output.print(
      { number: Number(number), id, owner, already: false, transactions: sentJson(sent) },
      `service ${number}, owned by ${owner}, counts here from the next epoch\nID ${id}`,
    );
    return undefined;
  },
});
