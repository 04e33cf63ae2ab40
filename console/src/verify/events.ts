import {
  decodeEventLog,
  encodeEventTopics,
  numberToHex,
  padHex,
  type Abi,
  type Address,
  type ContractEventName,
  type GetEventArgs,
  type Hex,
} from "viem";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { RawLog } from "./raw.ts";

/** All arguments of an event, by name. */
type Args<A extends Abi, E extends ContractEventName<A>> = GetEventArgs<
  A,
  E,
  { EnableUnion: false; IndexedOnly: false; Required: true }
>;

/** The first topic of an event. */
export function topicOf<const A extends Abi>(abi: A, eventName: ContractEventName<A>): Hex {
  const wide: Abi = abi;
  const name: string = eventName;
  const [topic] = encodeEventTopics({ abi: wide, eventName: name });
  return topic as Hex;
}

/** A number as a topic. */
export function numberTopic(value: bigint | number): Hex {
  return numberToHex(value, { size: 32 });
}

/** An address as a topic. */
export function addressTopic(address: Address): Hex {
  return padHex(address, { size: 32 });
}

/** Whether a log is an event of a contract. */
export function isEvent<const A extends Abi>(
  log: RawLog,
  { address, abi }: { address: Address; abi: A },
  eventName: ContractEventName<A>,
): boolean {
  return log.address === address.toLowerCase() && log.topics[0] === topicOf(abi, eventName);
}

/** The arguments of an event of a contract. */
export function argsOf<const A extends Abi, E extends ContractEventName<A>>(
  log: RawLog,
  { abi }: { abi: A },
  eventName: E,
): Args<A, E> {
  try {
    const topics = log.topics as [Hex, ...Hex[]];
    const { args } = decodeEventLog({ ...{ abi, eventName, topics }, data: log.data });
    return args as unknown as Args<A, E>;
  } catch (cause) {
    throw new BlockcloudError(
      "RPC_MALFORMED",
      `A log of block ${log.blockNumber} is no event ${eventName}.`,
      { cause, remedy: "Use another RPC endpoint." },
    );
  }
}
