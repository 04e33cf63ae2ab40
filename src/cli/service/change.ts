import type { Call } from "../../chain/transactions/call.ts";
import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import type { Flags } from "../framework/flag.ts";
import type { BlocMoves, Step } from "../framework/plan.ts";
import type { TransactContext } from "../framework/transactCommand.ts";
import { sentJson } from "../framework/transactor.ts";

/** A change of one service by one call of the registry. */
export interface ServiceChange {
  readonly number: bigint;
  readonly title: string;
  /** Why there is nothing to send: the chain already has the requested state. */
  readonly already?: string | undefined;
  /** Steps to send before the change itself. */
  readonly before?: readonly Step[];
  readonly name: string;
  readonly functionName: string;
  readonly args: readonly unknown[];
  readonly bloc?: BlocMoves;
  readonly outcome: readonly string[];
  /** Fields of the JSON result beside the number. */
  readonly json?: object;
}

/** The parts of a command's context that a change needs. */
type Context = Pick<TransactContext<Flags, Flags>, "deployment" | "transactor" | "output">;

/** Makes a change, unless the chain already has the requested state. */
export async function changeService(context: Context, change: ServiceChange): Promise<undefined> {
  const { deployment, transactor, output } = context;
  const { number, title, already, before = [], name, bloc, outcome } = change;
  const result = { number: Number(number), ...change.json };
  if (already !== undefined) {
    output.print({ ...result, already: true }, `nothing to do: ${already}`);
    return;
  }
  const step: Step = {
    name,
    call: registryCall(deployment.contracts.registry, change.functionName, change.args),
  };
  const steps = [...before, step];
  const sent = await transactor.carryOut({ title, steps, outcome, ...(bloc && { bloc }) });
  output.print(
    { ...result, already: false, transactions: sentJson(sent) },
    [`service ${number}: ${name}, done`, ...outcome].join("\n"),
  );
}

/** A step that calls the registry. */
export function registryCall(
  address: Call["address"],
  functionName: string,
  args: readonly unknown[],
): Call {
  return { address, abi: serviceRegistryAbi, functionName, args };
}
