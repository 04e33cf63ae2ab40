import type { RpcHeader } from "../../src/protocol/header.ts";

const NO_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
const NO_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

/**
 * Headers of public blocks, from `eth_getBlockByNumber`. Their hashes are public, so they are an independent check of
 * the encoder. They include quantities with an odd number of digits, quantities of 0, empty and non-empty `extraData`,
 * and the fields of all forks up to Prague.
 */
export const publicHeaders: Record<string, RpcHeader> = {
  mainnetGenesis: {
    hash: "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
    parentHash: `0x${"00".repeat(32)}`,
    sha3Uncles: NO_UNCLES,
    miner: `0x${"00".repeat(20)}`,
    stateRoot: "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
    transactionsRoot: NO_ROOT,
    receiptsRoot: NO_ROOT,
    logsBloom: `0x${"00".repeat(256)}`,
    difficulty: "0x400000000",
    number: "0x0",
    gasLimit: "0x1388",
    gasUsed: "0x0",
    timestamp: "0x0",
    extraData: "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
    mixHash: `0x${"00".repeat(32)}`,
    nonce: "0x0000000000000042",
  },
  sepolia7839744: {
    hash: "0xbfa14ad39de89b0de89a0d9e78efebae792eae93ee46414ed98ee790ce8ed8b3",
    parentHash: "0x53df8defa12fa604f56a0b490e45f8eaebb12c3a9aed12bc52d405600e606338",
    sha3Uncles: NO_UNCLES,
    miner: "0x3826539cbd8d68dcf119e80b994557b4278cec9f",
    stateRoot: "0x724617b7999d13469c068ced397d3d37a1432a8db7f156ed81d8f78c0a61a7f2",
    transactionsRoot: "0x0278307f8545a019516ec439e73404f952436abbdf21d69720a613fef8938d5f",
    receiptsRoot: "0xc7bbdde3e099ede140e4364e3205a16dc68bdd5531af1596789537bbd2ff1041",
    logsBloom:
      "0x0291928e4009a0159203220927940094062800a00c093a669298e00dc5bf42022a50500200334a06000029401634803691d407868254f8847c00d08d4c6604842c62588e4b106309407022cad848de348041474480540286130a080291b202110f100c409204120804a022800220084183500d004168061146246012215836041aee02124e300d3060ed400b99052084a0c0a18b886802082ca0509c4482001c028a788efd0480a9d27a105940000c5900cc8601a2031380855453c46f79128388548f0224603490610a80310087430a08946c84e00d00304409910211a071210550352d0c082800c5361f8628b9a6c3c2b275304c70834200da43181a486021",
    difficulty: "0x0",
    number: "0x77a000",
    gasLimit: "0x2255100",
    gasUsed: "0x10f650e",
    timestamp: "0x67c8a89c",
    extraData: "0x",
    mixHash: "0x31d5334ad1f9e04153891a4697863a1c9e80f37c66d1d421923c07184c45b4d5",
    nonce: "0x0000000000000000",
    baseFeePerGas: "0x120c4011",
    withdrawalsRoot: "0x707609a48eb417ad00247824863dcae7437a4ae780719e77a1d6788f05c1a3b8",
    blobGasUsed: "0xe0000",
    excessBlobGas: "0x60000",
    parentBeaconBlockRoot: "0x4f5861bbeae03efc716a3b9cfaf4473aca4048e489a9b77102edb2117c4b8217",
    requestsHash: "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  },
};
