import { parseEventLogs, type Address, type Hex } from "viem";
import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { HORIZON } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { encodeProbe, type ProbeInput } from "../../protocol/probe.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import type { Flags } from "../framework/flag.ts";
import type { TransactContext } from "../framework/transactCommand.ts";
import type { Sent } from "../framework/transactor.ts";
import { registryCall } from "./change.ts";
import { classNamed, isEnough, needMinimumStake } from "./classes.ts";

/** Number of services that are searched at a time; a search begins so many before the newest one. */
const SEARCHED = 256n;

/** What a new service has. */
export interface Registration {
  /** The name of its class. */
  class: string;
  probe: ProbeInput;
  /** BLOC in wei; undefined for the class's minimum. */
  stake: bigint | undefined;
  /** Whether the stake may be below that minimum. */
  belowMinimum: boolean;
  /** URI of a description; empty for none. */
  metadata: string;
  serviceKey: Hex;
}

/** A service that is registered. */
export interface Registered {
  number: bigint;
  /** Whether an earlier run had registered it. */
  already: boolean;
  sent: readonly Sent[];
}

/** An earlier attempt, which may have been cut off after its transaction was sent. */
export interface Attempt {
  owner: Address;
  /** The address of the service's key. */
  key: Address;
  /** Number of services that there were before it. */
  since: bigint;
}

type Context = Pick<
  TransactContext<Flags, Flags>,
  "client" | "deployment" | "services" | "transactor"
>;

/**
 * Registers a service from the transactor's account, unless a service of this account and this key is there.
 *
 * @param options.earlier An attempt that may have succeeded: its service is searched among all that came after it.
 * @param options.before Called before the transaction is sent, once it was confirmed; what it writes is there when
 *   the transaction is.
 * @param options.outcome Further lines of the preview.
 * @throws BlockcloudError `CLASS_UNKNOWN`, `STAKE_BELOW_MINIMUM`, `PROBE_UNSUITABLE`, `REGISTRATION_LOST`; as
 *   {@link Transactor.carryOut}.
 */
export async function registerService(
  context: Context,
  registration: Registration,
  options: {
    earlier?: Attempt | undefined;
    before?: (attempt: Attempt) => void;
    outcome?: readonly string[];
  } = {},
): Promise<Registered> {
  const { deployment, services, transactor } = context;
  const { earlier, before } = options;
  const owner = transactor.account;
  const key = addressOfKey(registration.serviceKey);
  const count = await services.count();
  const recent = { owner, key, since: count > SEARCHED ? count - SEARCHED : 0n };
  // An attempt by this account with this key is among the newest services, or it began before them.
  const isOwn = earlier?.owner === owner && earlier.key === key && earlier.since < recent.since;
  const attempts = [...(earlier === undefined ? [] : [earlier]), ...(isOwn ? [] : [recent])];
  for (const attempt of attempts) {
    const known = await findRegistration(context, attempt, count);
    if (known !== undefined) return { number: known, already: true, sent: [] };
  }
  const [classId, kind] = await classNamed(services, registration.class);
  const { registrationFee: fee } = kind;
  const { stake = kind.minimumStake, metadata } = registration;
  needMinimumStake(kind, stake, registration.belowMinimum);
  const probe = bytesToHex(encodeProbe(registration.probe, kind.name));
  const { registry, staking } = deployment.contracts;
  const args = [classId, key, probe, metadata, stake];
  const register = { name: "register", call: registryCall(registry, "register", args) };
  const step = await transactor.paying(register, staking, stake + fee);
  const ready = () => {
    before?.({ owner, key, since: count });
    return Promise.resolve();
  };
  const sent = await transactor.carryOut({
    title: "register a service",
    steps: [{ ...step, ready }],
    bloc: { burned: fee, staked: stake },
    outcome: [
      isEnough(kind, stake)
        ? "the service is active two epochs from now"
        : "the service is registered, and Unstaked until its stake reaches the class's minimum",
      ...(options.outcome ?? []),
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
  return { number: event.args.number, already: false, sent };
}

/** The service of an attempt; undefined if there is none, or if it is retired. */
async function findRegistration(
  { client, deployment, services }: Context,
  { owner, key, since }: Attempt,
  count: bigint,
): Promise<bigint | undefined> {
  const contract = { address: deployment.contracts.registry, abi: serviceRegistryAbi };
  const epoch = await client.readContract({ ...contract, functionName: "currentEpoch" });
  for (let first = since + 1n; first <= count; first += SEARCHED) {
    const left = count - first + 1n;
    const size = Number(left < SEARCHED ? left : SEARCHED);
    const numbers = Array.from({ length: size }, (_, index) => first + BigInt(index));
    const keys = await Promise.all(numbers.map((number) => services.key(number, epoch + HORIZON)));
    for (const number of numbers.filter((_, index) => keys[index] === key)) {
      const [holder, status] = await Promise.all([
        client.readContract({ ...contract, functionName: "ownerOf", args: [number] }),
        services.statusNow(number),
      ]);
      if (holder === owner && status !== "Retired") return number;
    }
  }
  return undefined;
}
