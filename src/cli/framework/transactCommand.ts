import type { Hex } from "viem";
import { TransactionSender } from "../../chain/transactions/sender.ts";
import { Services } from "../../chain/services.ts";
import { silentLogger } from "../../node/logger.ts";
import { chainCommand, type ChainContext, type ChainOptions } from "./chainCommand.ts";
import type { CommandDefinition, CommandSpec } from "./command.ts";
import { feePolicy, transactFlags } from "./commonFlags.ts";
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
        const { client, deployment } = context;
        const values = context.flags as unknown as Values<F> &
          Values<typeof transactFlags> & { rpc: readonly string[]; signer: Hex };
        const { yes, dryRun, rpc } = values;
        const key = typeof signer === "function" ? signer(values) : values.signer;
        const { chainId } = deployment;
        const fees = feePolicy(values);
        const sender = new TransactionSender(
          { rpcUrls: rpc, chainId, key, fees },
          { client, log: silentLogger, timers: context.io.timers },
        );
        const transactor = new Transactor({ key, yes, dryRun, fees }, { ...context, sender });
        const services = new Services(client, deployment);
        await untilNonePending(sender.address, { ...context, timers: context.io.timers });
        try {
          return await spec.run({ ...context, services, transactor });
        } catch (error) {
          if (error instanceof DryRun) return exitCodes.ok;
          throw error;
        }
      },
    },
    options,
  );
}
