import { erc20Abi, type Address, type Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { TransactionSender } from "../chain/transactions/sender.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { stakingAbi } from "../protocol/abi/staking.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { addressOfKey } from "../protocol/signature.ts";
import { auditorChain } from "./secrets.ts";

/**
 * Stakes and enrols an auditor; it counts two epochs later.
 *
 * @param owner Sends transactions with the owner's key.
 * @param input.stake BLOC in wei.
 * @param input.chainNumber Index of the hash chain of this operator key, from 0.
 * @throws BlockcloudError `ENROLMENT_PENDING` before the first transaction.
 * @returns The operator's address, which needs ether for the rounds.
 */
export async function enrolAuditor(
  owner: TransactionSender,
  client: ChainClient,
  deployment: Deployment,
  input: { operatorKey: Hex; stake: bigint; chainNumber: number },
): Promise<Address> {
  const { token, staking, proofOfService } = deployment.contracts;
  const operator = addressOfKey(input.operatorKey);
  const { tip } = auditorChain(input.operatorKey, deployment, input.chainNumber);
  const contract = { address: proofOfService, abi: proofOfServiceAbi };
  const [[, , , , pendingSince], epoch] = await Promise.all([
    client.readContract({ ...contract, functionName: "auditorOf", args: [owner.address] }),
    client.readContract({ ...contract, functionName: "currentEpoch" }),
  ]);
  // Checked before staking, because the contract refuses the enrolment only afterwards.
  if (pendingSince !== 0 && pendingSince >= epoch) {
    throw new BlockcloudError(
      "ENROLMENT_PENDING",
      `Auditor ${owner.address} has enrolled already, from epoch ${pendingSince} on.`,
      {
        remedy:
          "Run the auditor. Another hash chain can be registered after this one was in use for an epoch.",
      },
    );
  }
  await owner.send({
    address: token,
    abi: erc20Abi,
    functionName: "approve",
    args: [staking, input.stake],
  });
  await owner.send({
    address: staking,
    abi: stakingAbi,
    functionName: "stakeAuditor",
    args: [input.stake],
  });
  await owner.send({
    address: proofOfService,
    abi: proofOfServiceAbi,
    functionName: "enrol",
    args: [tip, operator],
  });
  return operator;
}
