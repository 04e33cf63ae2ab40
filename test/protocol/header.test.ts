import { expect } from "chai";
import { AbiCoder, encodeRlp, keccak256 } from "ethers";
import { network } from "hardhat";
import { encodeHeader, epochSeed, type RpcHeader } from "../../src/protocol/header.ts";
import { publicHeaders } from "../../scripts/vectors/headers.ts";
import { expectCode } from "../support/expectCode.ts";

const prague = publicHeaders.sepolia7839744!;

describe("header", () => {
  for (const [name, header] of Object.entries(publicHeaders)) {
    it(`encodes ${name} to what hashes to its public hash`, () => {
      expect(keccak256(encodeHeader(header))).to.equal(header.hash);
    });
  }

  it("encodes as ethers' RLP does, quantities without leading zeros", () => {
    expect(encodeHeader(prague)).to.equal(
      encodeRlp([
        prague.parentHash,
        prague.sha3Uncles,
        prague.miner,
        prague.stateRoot,
        prague.transactionsRoot,
        prague.receiptsRoot,
        prague.logsBloom,
        "0x",
        "0x77a000",
        "0x02255100",
        "0x010f650e",
        "0x67c8a89c",
        "0x",
        prague.mixHash,
        prague.nonce,
        "0x120c4011",
        prague.withdrawalsRoot ?? "",
        "0x0e0000",
        "0x060000",
        prague.parentBeaconBlockRoot ?? "",
        prague.requestsHash ?? "",
      ]),
    );
  });

  it("encodes the blocks of another client, each with its own fields", async () => {
    for (const hardfork of ["london", "shanghai", "cancun", "prague"] as const) {
      const connection = await network.create({ override: { hardfork } });
      try {
        await connection.provider.request({ method: "hardhat_mine", params: ["0x3"] });
        const block = (await connection.provider.request({
          method: "eth_getBlockByNumber",
          params: ["0x3", false],
        })) as RpcHeader;
        expect(keccak256(encodeHeader(block)), hardfork).to.equal(block.hash);
        expect(block.withdrawalsRoot !== undefined, hardfork).to.equal(hardfork !== "london");
      } finally {
        await connection.close();
      }
    }
  });

  it("reads an absent field that the RPC endpoint gives as null", () => {
    const genesis = publicHeaders.mainnetGenesis!;
    const padded = { ...genesis, baseFeePerGas: null } as unknown as RpcHeader;
    expect(encodeHeader(padded)).to.equal(encodeHeader(genesis));
  });

  const lies: [string, Partial<Record<keyof RpcHeader, string>>][] = [
    ["another time", { timestamp: "0x67c8a89d" }],
    ["another mix", { mixHash: `0x${"11".repeat(32)}` }],
    ["another hash", { hash: `0x${"22".repeat(32)}` }],
    ["a field less", { requestsHash: undefined as unknown as string }],
    ["a field more", { blockAccessListHash: `0x${"33".repeat(32)}` }],
    ["a quantity without digits", { gasUsed: "0x" }],
    ["a quantity that is none", { number: "latest" }],
    ["data that are none", { extraData: "0xzz" }],
    ["half a byte of data", { extraData: "0x1" }],
  ];
  for (const [what, fields] of lies) {
    it(`refuses ${what}`, () => {
      const error = expectCode("HEADER_MISMATCH", () =>
        encodeHeader({ ...prague, ...fields } as RpcHeader),
      );
      expect(error.remedy).to.be.a("string");
    });
  }
});

describe("epochSeed", () => {
  const contract = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
  const abi = AbiCoder.defaultAbiCoder();

  it("is the hash of the ABI encoding, by ethers' account", () => {
    const encoded = abi.encode(
      ["uint256", "uint32", "uint256", "address"],
      [prague.mixHash, 4_294_967_295, 31_337, contract],
    );
    expect(epochSeed(prague.mixHash, 4_294_967_295, 31_337n, contract)).to.equal(
      keccak256(encoded),
    );
  });

  it("differs by mix, epoch, chain and contract", () => {
    const seeds = [
      epochSeed("0x01", 1, 1n, contract),
      epochSeed("0x02", 1, 1n, contract),
      epochSeed("0x01", 2, 1n, contract),
      epochSeed("0x01", 1, 2n, contract),
      epochSeed("0x01", 1, 1n, `0x${"11".repeat(20)}`),
    ];
    expect(new Set(seeds).size).to.equal(seeds.length);
  });
});
