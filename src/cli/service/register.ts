import { parseEventLogs, type Address } from "viem";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { Services } from "../../chain/services.ts";
import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { HORIZON } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { encodeProbe } from "../../protocol/probe.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { walletKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { registryCall } from "./change.ts";
import { classNamed, isEnough, needMinimumStake } from "./classes.ts";
import { registrationFlags } from "./flags.ts";

/** Number of newest services in which an earlier registration is searched. */
const LOOK_BACK = 256n;

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
  async run({ flags, client, deployment, services, transactor, output }) {
    const owner = transactor.account;
    const key = addressOfKey(flags.serviceKey);
    const known = await findService(client, deployment, services, { owner, key });
    if (known !== undefined) {
      output.print(
        { number: Number(known), id: rootServiceId(known), owner, already: true },
        `service ${known} is registered already, with this key, by ${owner}`,
      );
      return undefined;
    }
    const [classId, kind] = await classNamed(services, flags.class);
    const { registrationFee: fee } = kind;
    const { stake } = flags;
    needMinimumStake(kind, stake, flags.belowMinimum);
    const probe = bytesToHex(encodeProbe(flags.probe, kind.name));
    const { registry, staking } = deployment.contracts;
    const args = [classId, key, probe, flags.metadata, stake];
    const register = { name: "register", call: registryCall(registry, "register", args) };
    const sent = await transactor.carryOut({
      title: "register a service",
      steps: [await transactor.paying(register, staking, stake + fee)],
      bloc: { burned: fee, staked: stake },
      outcome: [
        isEnough(kind, stake)
          ? "the service is active two epochs from now"
          : "the service is registered, and Unstaked until its stake reaches the class's minimum",
      ],
    });
    const [event] = parseEventLogs({
      abi: serviceRegistryAbi,
      eventName: "ServiceRegistered",
      logs: sent.at(-1)?.receipt.logs ?? [],
    });
    if (event === undefined) {
      throw new BlockcloudError("REGISTRATION_LOST", "The registration emitted no event.", {
        remedy: `Look at transaction ${sent.at(-1)?.receipt.transactionHash ?? ""}.`,
      });
    }
    const { number } = event.args;
    const id = rootServiceId(number);
    output.print(
      { number: Number(number), id, owner, already: false, transactions: sentJson(sent) },
      `service ${number}, owned by ${owner}, counts two epochs from now\nID ${id}`,
    );
    return undefined;
  },
});

/** A service among the newest ones that this owner has registered with this key. */
async function findService(
  client: ChainClient,
  deployment: Deployment,
  services: Services,
  wanted: { owner: Address; key: Address },
): Promise<bigint | undefined> {
  const contract = { address: deployment.contracts.registry, abi: serviceRegistryAbi };
  const [count, epoch] = await Promise.all([
    services.count(),
    client.readContract({ ...contract, functionName: "currentEpoch" }),
  ]);
  const first = count > LOOK_BACK ? count - LOOK_BACK + 1n : 1n;
  const numbers = Array.from({ length: Number(count - first + 1n) }, (_, i) => first + BigInt(i));
  const matches = await Promise.all(
    numbers.map(async (number) => (await services.key(number, epoch + HORIZON)) === wanted.key),
  );
  for (const number of numbers.filter((_, index) => matches[index])) {
    const [owner, status] = await Promise.all([
      client.readContract({ ...contract, functionName: "ownerOf", args: [number] }),
      services.statusNow(number),
    ]);
    if (owner === wanted.owner && status !== "Retired") return number;
  }
  return undefined;
}
