import { formatEther, type Address } from "viem";
import { auditorChain } from "../../auditor/secrets.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { proofOfServiceAbi } from "../../protocol/abi/proofOfService.ts";
import { stakingAbi } from "../../protocol/abi/staking.ts";
import { ZERO_HASH } from "../../protocol/bytes.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { HashChain } from "../../protocol/hashChain.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { operatorKey, ownerKey } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import type { Step } from "../framework/plan.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";
import { blocAmount, wholeNumber } from "../framework/values.ts";

/** `blockcloud auditor init` */
export const auditorInit = transactCommand({
  flags: {
    stake: text("--stake <bloc>", "total stake afterwards, BLOC", blocAmount, {
      default: "5000",
    }),
    operatorKey,
    chainNumber: text(
      "--chain-number <n>",
      "number of hash chains that this operator key has registered before",
      wholeNumber(0, 63),
      { default: "0" },
    ),
  },
  signer: ownerKey,
  examples: [
    "blockcloud auditor init --stake 20000 --owner-key-file owner.key \\\n" +
      "--operator-key-file operator.key",
  ],
  notes: `The operator's address needs ether for gas. After an interruption, run it again: it stakes the missing
amount, and enrols unless this hash chain is registered.`,
  async run({ flags, client, deployment, transactor, output }) {
    const auditor = transactor.account;
    const operator = addressOfKey(flags.operatorKey);
    const chain = auditorChain(flags.operatorKey, deployment, flags.chainNumber);
    const { stake, enrolled } = await standing(client, deployment, auditor, chain);
    if (!enrolled) await needMinimumStake(client, deployment, maximum(stake, flags.stake));
    const missing = flags.stake > stake ? flags.stake - stake : 0n;
    const { proofOfService, staking } = deployment.contracts;
    const stakes =
      missing === 0n
        ? []
        : [await transactor.paying(stakeStep(deployment, missing), staking, missing)];
    const enrol: Step[] = enrolled
      ? []
      : [
          {
            name: `enrol with operator ${operator}`,
            call: {
              address: proofOfService,
              abi: proofOfServiceAbi,
              functionName: "enrol",
              args: [chain.tip, operator],
            },
            ...(missing > 0n && { roughGas: 150_000n }),
          },
        ];
    const steps = [...stakes, ...enrol];
    if (steps.length === 0) {
      output.print(
        { auditor, operator, already: true },
        `auditor ${auditor} is enrolled already, with operator ${operator}`,
      );
      return undefined;
    }
    const sent = await transactor.carryOut({
      title: "become an auditor",
      steps,
      bloc: { staked: missing },
      outcome: enrolled
        ? ["the stake counts two epochs from now"]
        : [`${auditor} counts as an auditor two epochs from now`],
    });
    output.print(
      { auditor, operator, already: false, transactions: sentJson(sent) },
      `auditor ${auditor}, run by ${operator}, counts two epochs from now`,
    );
    return undefined;
  },
});

/** Checked before staking, because the contract refuses the enrolment only afterwards. */
async function needMinimumStake(
  client: ChainClient,
  deployment: Deployment,
  stake: bigint,
): Promise<void> {
  const minimum = await client.readContract({
    address: deployment.contracts.staking,
    abi: stakingAbi,
    functionName: "minimumAuditorStake",
  });
  if (stake >= minimum) return;
  throw new BlockcloudError(
    "STAKE_BELOW_MINIMUM",
    `A stake of ${formatEther(stake)} BLOC does not enrol an auditor: the minimum is ${formatEther(minimum)} BLOC.`,
    { remedy: "Raise --stake." },
  );
}

function maximum(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function stakeStep(deployment: Deployment, amount: bigint): Step {
  return {
    name: "stake",
    call: {
      address: deployment.contracts.staking,
      abi: stakingAbi,
      functionName: "stakeAuditor",
      args: [amount],
    },
  };
}

/** Reads the stake, and whether the hash chain is registered. */
async function standing(
  client: ChainClient,
  deployment: Deployment,
  auditor: Address,
  chain: HashChain,
): Promise<{ stake: bigint; enrolled: boolean }> {
  const { proofOfService, staking } = deployment.contracts;
  const rounds = { address: proofOfService, abi: proofOfServiceAbi } as const;
  const [[stake, since], [, element, elementEpoch, pendingTip, pendingSince], epoch] =
    await Promise.all([
      client.readContract({
        address: staking,
        abi: stakingAbi,
        functionName: "auditorStake",
        args: [auditor],
      }),
      client.readContract({ ...rounds, functionName: "auditorOf", args: [auditor] }),
      client.readContract({ ...rounds, functionName: "currentEpoch" }),
    ]);
  const counts = since !== 0;
  if (counts && pendingTip === chain.tip) return { stake, enrolled: true };
  const used = elementEpoch !== 0 && chain.depthOf(element) !== undefined;
  if (counts && used) return { stake, enrolled: true };
  // Checked before staking, because the contract refuses the enrolment only afterwards.
  if (pendingTip !== ZERO_HASH && pendingSince >= epoch) {
    throw new BlockcloudError(
      "ENROLMENT_PENDING",
      `Auditor ${auditor} has enrolled with another hash chain, from epoch ${pendingSince} on.`,
      {
        remedy:
          "Run the auditor with that chain. Another one can be registered after one epoch of use.",
      },
    );
  }
  if (used || pendingTip === chain.tip) {
    throw new BlockcloudError(
      "HASH_CHAIN_USED",
      "Secrets of this hash chain have already been revealed.",
      {
        remedy: "Enrol again with the next --chain-number.",
      },
    );
  }
  return { stake, enrolled: false };
}
