import { isAddress, isAddressEqual, type Address, type Hex } from "viem";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { stakingAbi } from "../../protocol/abi/staking.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Check } from "../framework/command.ts";
import { ownerKey, service, walletKey } from "../framework/commonFlags.ts";
import { optional, text, type Values } from "../framework/flag.ts";
import type { Step } from "../framework/plan.ts";
import { missing } from "../framework/settings.ts";
import { FoundKey } from "../../node/keys.ts";
import { address, refine } from "../framework/values.ts";
import { serviceState } from "../service/state.ts";

/** An address, or `true` where the flag stands alone. */
const ownAuditor = refine<Address | true>(
  (given) => (given === "true" ? true : address.safeParse(given).data),
  "Give an address: 0x and 40 hexadecimal digits, or none.",
);

/**
 * Selects the stake of a command: that of a service, with the wallet key, or of an auditor, with the owner
 * key.
 */
export const roleFlags = {
  service: optional(service),
  auditor: text(
    "--auditor [address]",
    "the auditor: its owner's address, which is the owner key's where none is given",
    ownAuditor,
    {},
  ),
  walletKey: optional(walletKey),
  ownerKey: optional(ownerKey),
};

/** Checks that exactly one role and its key are given. */
export const checkRole: Check = ({ values, found }, _sources, problems) => {
  const auditor = values.auditor !== undefined;
  if (auditor && found.service?.source === "--service") {
    problems.add("--service, --auditor: give one of the two.");
  } else if (!auditor && found.service === undefined) {
    problems.add("--service: missing. Give --service <service>, or --auditor.");
  }
  const flag = auditor ? ownerKey : walletKey;
  const key = auditor ? values.ownerKey : values.walletKey;
  const named = auditor ? found.ownerKey : found.walletKey;
  if (auditor && isAddress(String(values.auditor)) && key instanceof FoundKey) {
    const owner = key.address;
    if (owner !== undefined && !isAddressEqual(owner, values.auditor as Address)) {
      problems.add(`--auditor: the owner key is ${owner}'s. Give the key of the auditor's owner.`);
    }
  }
  // A key that is given but invalid is reported separately.
  if (key === undefined && named === undefined) {
    problems.add(missing(flag));
  }
};

/** The key of the role; {@link checkRole} ensures that there is one. */
export function roleKey(flags: Values<typeof roleFlags>): Hex {
  const key = flags.auditor === undefined ? flags.walletKey : flags.ownerKey;
  if (key === undefined) throw new TypeError("The command has no key flag.");
  return key;
}

/** Unbonding stake. */
export interface Unbonding {
  readonly amount: bigint;
  /** Unix seconds. */
  readonly releaseAt: bigint;
}

/** A stake, of a service or of an auditor, with the calls that change it. */
export interface Stake {
  /** For display: `service 7`, `auditor 0x…`. */
  readonly name: string;
  /** For programs. */
  readonly json: object;
  /** At stake two epochs from now, BLOC in wei. */
  readonly amount: bigint;
  /** Minimum stake, BLOC in wei. */
  readonly minimum: bigint;
  /** Unbonding stake of this account, oldest first. */
  readonly unbonding: readonly Unbonding[];
  add(amount: bigint): Step;
  remove(amount: bigint): Step;
  withdraw(): Step;
}

/** Reads the stake that a command selects. */
export async function readStake(
  flags: Values<typeof roleFlags>,
  account: Address,
  chain: { client: ChainClient; deployment: Deployment },
): Promise<Stake> {
  const { client, deployment } = chain;
  // An encrypted key may say its address only once it is open.
  if (typeof flags.auditor === "string" && !isAddressEqual(flags.auditor, account)) {
    throw new BlockcloudError("AUDITOR_OTHER", `The owner key is ${account}'s.`, {
      remedy: "Give the key of the auditor's owner.",
    });
  }
  const contract = { address: deployment.contracts.staking, abi: stakingAbi } as const;
  const step = (name: string, functionName: string, args: readonly unknown[]): Step => ({
    name,
    call: { ...contract, functionName, args },
  });
  if (flags.auditor !== undefined || flags.service === undefined) {
    const args = [account] as const;
    const [[amount], minimum, unbonding] = await Promise.all([
      client.readContract({ ...contract, functionName: "auditorStake", args }),
      client.readContract({ ...contract, functionName: "minimumAuditorStake" }),
      client.readContract({ ...contract, functionName: "auditorUnbonding", args }),
    ]);
    return {
      name: `auditor ${account}`,
      json: { auditor: account },
      amount,
      minimum,
      unbonding,
      add: (wei) => step("stake", "stakeAuditor", [wei]),
      remove: (wei) => step("unstake", "unstakeAuditor", [wei]),
      withdraw: () => step("withdraw", "withdrawAuditor", args),
    };
  }
  const number = flags.service;
  const { stake, minimumStake } = await serviceState(client, deployment, number);
  const args = [number, account] as const;
  const unbonding = await client.readContract({
    ...contract,
    functionName: "serviceUnbonding",
    args,
  });
  return {
    name: `service ${number}`,
    json: { number: Number(number) },
    amount: stake,
    minimum: minimumStake,
    unbonding,
    add: (wei) => step("stake", "stakeService", [number, wei]),
    remove: (wei) => step("unstake", "unstakeService", [number, wei]),
    withdraw: () => step("withdraw", "withdrawService", args),
  };
}

/** Unbonding time, seconds. */
export async function unbondingSeconds(
  client: ChainClient,
  deployment: Deployment,
): Promise<number> {
  const seconds = await client.readContract({
    address: deployment.contracts.staking,
    abi: stakingAbi,
    functionName: "unbondingSeconds",
  });
  return Number(seconds);
}
