import type { Hex } from "viem";
import { TransactionSender } from "../../chain/transactions/sender.ts";
import { Services } from "../../chain/services.ts";
import { silentLogger } from "../../node/logger.ts";
import { chainCommand, type ChainContext, type ChainOptions } from "./chainCommand.ts";
import type { CommandDefinition, CommandSpec } from "./command.ts";
import { feePolicy, transactFlags, type chainFlags } from "./commonFlags.ts";
import { exitCodes } from "./exitCodes.ts";
import type { Flag, Flags, Values } from "./flag.ts";
import { untilNonePending } from "./pending.ts";
import { DryRun, Transactor } from "./transactor.ts";

/** The context of a command that sends transactions. */
export interface TransactContext<F extends Flags, A extends Flags> extends ChainContext<
  F & typeof transactFlags,
  A
> {
  readonly services: Services;
  /** Previews and sends, from the command's own key. */
  readonly transactor: Transactor;
}

/** The key that signs: always the same flag, or one of the command's own flags. */
type Signer<F extends Flags> = Flag<Hex> | ((flags: Values<F>) => Hex);

/** The settings with which transactions are sent. */
type Sending = Values<typeof transactFlags> & Pick<Values<typeof chainFlags>, "rpc">;

/**
 * What a command needs to send transactions from a key. It waits for those that an earlier run has sent.
 *
 * @param values `yes` and `dryRun` are what {@link Transactor.carryOut} follows.
 */
export async function createSenders(
  key: Hex,
  values: Sending,
  context: Omit<ChainContext<Flags, Flags>, "flags" | "args">,
): Promise<{ services: Services; transactor: Transactor }> {
  const { client, deployment, io } = context;
  const fees = feePolicy(values);
  const { yes, dryRun, rpc: rpcUrls } = values;
  const sender = new TransactionSender(
    { rpcUrls, chainId: deployment.chainId, key, fees },
    { client, log: silentLogger, timers: io.timers },
  );
  const transactor = new Transactor({ key, yes, dryRun, fees }, { ...context, sender });
  await untilNonePending(sender.address, { ...context, timers: io.timers });
  return { services: new Services(client, deployment), transactor };
}

/** A command with which a user sends transactions. `signer` names the key that sends them. */
export function transactCommand<F extends Flags, A extends Flags = Flags>(
  spec: CommandSpec<F, A> & {
    readonly signer: Signer<F>;
    run(context: TransactContext<F, A>): Promise<number | undefined>;
  },
  options: ChainOptions = {},
): CommandDefinition {
  const { signer } = spec;
  const flags = {
    ...spec.flags,
    ...(typeof signer === "function" ? {} : { signer }),
    ...transactFlags,
  };
  return chainCommand<typeof flags, A>(
    {
      ...spec,
      flags,
      async run(context) {
        const values = context.flags as unknown as Values<F> & Sending & { signer: Hex };
        const key = typeof signer === "function" ? signer(values) : values.signer;
        const senders = await createSenders(key, values, context);
        try {
          return await spec.run({ ...context, ...senders });
        } catch (error) {
          if (error instanceof DryRun) return exitCodes.ok;
          throw error;
        }
      },
    },
    options,
  );
}
