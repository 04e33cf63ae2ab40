import { encodeAbiParameters, keccak256, toRlp, type Address, type Hex } from "viem";
import { BlockcloudError } from "./errors.ts";

/** The fields of a block header as returned by `eth_getBlockByNumber`, in the order of its RLP. */
export interface RpcHeader {
  hash: Hex;
  parentHash: Hex;
  sha3Uncles: Hex;
  miner: Hex;
  stateRoot: Hex;
  transactionsRoot: Hex;
  receiptsRoot: Hex;
  logsBloom: Hex;
  difficulty: Hex;
  number: Hex;
  gasLimit: Hex;
  gasUsed: Hex;
  timestamp: Hex;
  extraData: Hex;
  mixHash: Hex;
  nonce: Hex;
  baseFeePerGas?: Hex;
  withdrawalsRoot?: Hex;
  blobGasUsed?: Hex;
  excessBlobGas?: Hex;
  parentBeaconBlockRoot?: Hex;
  requestsHash?: Hex;
  blockAccessListHash?: Hex;
}

const data = [
  "parentHash",
  "sha3Uncles",
  "miner",
  "stateRoot",
  "transactionsRoot",
  "receiptsRoot",
  "logsBloom",
] as const;
const afterData = ["difficulty", "number", "gasLimit", "gasUsed", "timestamp"] as const;
const byFork = [
  ["baseFeePerGas", "quantity"],
  ["withdrawalsRoot", "data"],
  ["blobGasUsed", "quantity"],
  ["excessBlobGas", "quantity"],
  ["parentBeaconBlockRoot", "data"],
  ["requestsHash", "data"],
  ["blockAccessListHash", "data"],
] as const;

/**
 * Encodes a block header in RLP, for `tick`.
 *
 * @throws BlockcloudError `HEADER_MISMATCH` if it does not hash to the block's hash: the chain's headers have
 *   fields that this version does not know, or the RPC endpoint lies.
 */
export function encodeHeader(header: RpcHeader): Hex {
  let rlp: Hex | undefined;
  let cause: unknown;
  try {
    rlp = toRlp(headerFields(header));
  } catch (error) {
    // A value that is not a hex string cannot give the right hash either.
    cause = error;
  }
  if (rlp === undefined || keccak256(rlp) !== header.hash) {
    throw new BlockcloudError(
      "HEADER_MISMATCH",
      `The header of block ${header.number} does not hash to ${header.hash}.`,
      {
        cause,
        remedy: "Use another RPC endpoint, or a version that knows this chain's hard fork.",
      },
    );
  }
  return rlp;
}

function headerFields(header: RpcHeader): Hex[] {
  const fields: Hex[] = [
    ...data.map((name) => header[name]),
    ...afterData.map((name) => quantity(header[name])),
    header.extraData,
    header.mixHash,
    header.nonce,
  ];
  for (const [name, kind] of byFork) {
    const value = header[name];
    // Some RPC endpoints return null for a field that the chain's fork does not have yet.
    if (value === undefined || value === null) break;
    fields.push(kind === "quantity" ? quantity(value) : value);
  }
  return fields;
}

/**
 * The seed of an epoch, from the RANDAO mix of its first block.
 *
 * @param prevrandao `mixHash` of the block header.
 * @param proofOfService Address of the contract.
 */
export function epochSeed(
  prevrandao: Hex,
  epoch: number,
  chainId: bigint,
  proofOfService: Address,
): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: "uint256" }, { type: "uint32" }, { type: "uint256" }, { type: "address" }],
      [BigInt(prevrandao), epoch, chainId, proofOfService],
    ),
  );
}

/** RLP writes an integer without leading zeros, and 0 as the empty string. */
function quantity(value: Hex): Hex {
  const digits = BigInt(value).toString(16);
  return digits === "0" ? "0x" : `0x${digits.length % 2 === 0 ? digits : `0${digits}`}`;
}
