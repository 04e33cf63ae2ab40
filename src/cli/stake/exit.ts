import { formatEther } from "viem";
import { feePolicy, operatorKey, ownerKey, state } from "../framework/commonFlags.ts";
import { optional, type Flags, type Values } from "../framework/flag.ts";
import { transactCommand, type TransactContext } from "../framework/transactCommand.ts";
import { sentJson, type Sent } from "../framework/transactor.ts";
import { duration, untilChainTime } from "../framework/wait.ts";
import { LastRounds } from "./lastRounds.ts";
import { readLeaving, type Leaving } from "./leave.ts";
import { checkRole, roleFlags, roleKey, unbondingSeconds } from "./role.ts";

const leavingFlags = { operatorKey: optional(operatorKey), state };
const notes = `Asks once. You may stop it with Ctrl-C at any moment and run it again, because its progress is on chain.
The worker may run until its last rounds are claimed; with --operator-key-file this command claims them.`;

/** `blockcloud exit` */
export const exit = transactCommand(
  {
    flags: { ...roleFlags, ...leavingFlags },
    signer: roleKey,
    examples: [
      "blockcloud exit --service 7 --wallet-key-file wallet.key",
      "blockcloud exit --auditor --owner-key-file owner.key --operator-key-file operator.key",
    ],
    notes: `${notes} A service stays registered, without stake; blockcloud service retire ends it.`,
    run: (context) => leave(context, context.flags),
  },
  { check: checkRole },
);

/** `blockcloud auditor exit`: the same for auditors. */
export const auditorExit = transactCommand({
  flags: leavingFlags,
  signer: ownerKey,
  examples: ["blockcloud auditor exit --owner-key-file owner.key --operator-key-file operator.key"],
  notes,
  run: (context) =>
    leave(context, {
      service: undefined,
      auditor: true,
      walletKey: undefined,
      ownerKey: undefined,
    }),
});

type Context = TransactContext<typeof leavingFlags, Flags>;

async function leave(context: Context, role: Values<typeof roleFlags>): Promise<undefined> {
  const { flags, io, client, deployment, transactor, output, progress, signal } = context;
  const waiting = { client, timers: io.timers, progress, signal };
  const rounds =
    role.auditor !== undefined
      ? new LastRounds(
          {
            auditor: transactor.account,
            stateDir: flags.state,
            operatorKey: flags.operatorKey,
            rpcUrls: flags.rpc,
            fees: feePolicy(flags),
          },
          { deployment, ...waiting },
        )
      : undefined;
  const read = () => readLeaving(role, transactor.account, { client, deployment });

  await rounds?.check();
  const first = await read();
  const { name } = first.stake;
  if (first.start.length === 0 && first.freeAt === undefined) {
    output.print({ ...first.stake.json, already: true }, `nothing to do: ${name} has left`);
    return undefined;
  }
  const { timestamp } = await client.getBlock();
  const seconds = await unbondingTime(context, first, timestamp);
  if (flags.dryRun && first.start.length === 0) {
    const free = seconds === 0 ? "free now" : `free in ${duration(seconds)}`;
    output.print(
      { ...first.stake.json, dryRun: { freeAt: first.freeAt } },
      `${name}: nothing is sent before the stake is free; it is ${free}`,
    );
    return undefined;
  }
  const sent: Sent[] = [];
  if (first.start.length > 0) {
    sent.push(
      ...(await transactor.carryOut({
        title: `leave: ${name}`,
        steps: first.start,
        bloc: first.startMoves,
        outcome: [
          `the stake is free in ${duration(seconds)}; this command waits, and withdraws it`,
        ],
      })),
    );
  }
  await rounds?.settle();
  const begun = await read();
  if (begun.freeAt !== undefined) {
    await untilChainTime(begun.freeAt, "until the stake is free", waiting);
  }
  const last = await read();
  if (last.finish.length > 0) {
    sent.push(
      ...(await transactor.carryOut(
        {
          title: `end the leave: ${name}`,
          steps: last.finish,
          bloc: last.finishMoves,
          outcome: ["no further step is needed"],
        },
        { confirmed: sent.length > 0 },
      )),
    );
  }
  const received = (first.startMoves.received ?? 0n) + (last.finishMoves.received ?? 0n);
  output.print(
    { ...first.stake.json, already: false, received, transactions: sentJson(sent) },
    `${name} has left with ${formatEther(received)} BLOC`,
  );
  return undefined;
}

/** The time until all stake is free; the full unbonding time if some is still at stake. */
async function unbondingTime(
  { client, deployment }: Context,
  leaving: Leaving,
  now: bigint,
): Promise<number> {
  if ((leaving.startMoves.unbonding ?? 0n) === 0n) {
    return Math.max(0, (leaving.freeAt ?? 0) - Number(now));
  }
  return unbondingSeconds(client, deployment);
}
