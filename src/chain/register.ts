import { erc20Abi, parseEventLogs, type Address } from "viem";
import type { Deployment } from "./deployment.ts";
import type { TransactionSender } from "./transactions/sender.ts";
import type { Services } from "./services.ts";
import { serviceRegistryAbi } from "../protocol/abi/serviceRegistry.ts";
import { bytesToHex } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { encodeProbe, type ProbeInput } from "../protocol/probe.ts";

/** The parameters of a registration. */
export interface Registration {
  classId: number;
  /** Signs receipts and records. */
  key: Address;
  probe: ProbeInput;
  /** URI of a description. */
  metadata: string;
  /** BLOC in wei. */
  stake: bigint;
}

/**
 * Registers a service by a contract call: approves fee and stake, then registers. The service is active two epochs
 * later.
 *
 * @returns The service number.
 */
export async function registerService(
  owner: TransactionSender,
  deployment: Deployment,
  services: Services,
  registration: Registration,
): Promise<bigint> {
  const { token, staking, registry } = deployment.contracts;
  const { classId, key, metadata, stake } = registration;
  const { registrationFee, name } = await services.classAt(classId);
  const probe = bytesToHex(encodeProbe(registration.probe, name));
  await owner.send({
    address: token,
    abi: erc20Abi,
    functionName: "approve",
    args: [staking, stake + registrationFee],
  });
  const receipt = await owner.send({
    address: registry,
    abi: serviceRegistryAbi,
    functionName: "register",
    args: [classId, key, probe, metadata, stake],
  });
  const [event] = parseEventLogs({
    abi: serviceRegistryAbi,
    eventName: "ServiceRegistered",
    logs: receipt.logs,
  });
  if (event === undefined) {
    throw new BlockcloudError("REGISTRATION_LOST", "The registration emitted no event.", {
      remedy: `Look at transaction ${receipt.transactionHash}.`,
    });
  }
  return event.args.number;
}
