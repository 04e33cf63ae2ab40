import { expect } from "chai";
import { TypedDataEncoder } from "ethers";
import { bytesToHex, hexToBytes } from "../../src/protocol/bytes.ts";
import {
  blockcloudDomain,
  domainSeparator,
  typedData,
  typedDataDigest,
  typeHash,
} from "../../src/protocol/typedData.ts";

const registry = "0x5FbDB2315678afecb367f032d93F642f64180aa3";

describe("typedData", () => {
  it("separates domains as ethers does", () => {
    const domain = blockcloudDomain(11_155_111n, registry);
    expect(domainSeparator(domain)).to.equal(TypedDataEncoder.hashDomain(domain));
  });

  it("gives each chain and each registry a domain of its own", () => {
    const separators = [
      blockcloudDomain(1n, registry),
      blockcloudDomain(2n, registry),
      blockcloudDomain(1n, `0x${"11".repeat(20)}`),
    ].map(domainSeparator);
    expect(new Set(separators).size).to.equal(3);
  });

  it("hashes the type of a receipt as ethers does", () => {
    const encoder = TypedDataEncoder.from({ ServiceReceipt: [...typedData.ServiceReceipt] });
    const type = encoder.encodeType("ServiceReceipt");
    expect(type).to.equal(
      "ServiceReceipt(bytes32 serviceId,bytes32 nonce,bytes32 channel,uint64 issuedAt)",
    );
    const message = {
      serviceId: `0x${"01".repeat(32)}`,
      nonce: `0x${"02".repeat(32)}`,
      channel: `0x${"03".repeat(32)}`,
      issuedAt: 4n,
    };
    // The struct's encoding begins with its type hash.
    const encoded = encoder.encodeData("ServiceReceipt", message);
    expect(encoded.slice(0, 66)).to.equal(bytesToHex(typeHash("ServiceReceipt")));
  });

  it("joins prefix, separator and struct hash into a digest", () => {
    const types = { Endpoint: [...typedData.Endpoint] };
    const endpoint = { uri: "tcp://a:1", priority: 1, weight: 2 };
    const domain = blockcloudDomain(1n, registry);
    const structHash = TypedDataEncoder.hashStruct("Endpoint", types, endpoint);
    expect(
      bytesToHex(
        typedDataDigest(
          hexToBytes(domainSeparator(domain)),
          hexToBytes(structHash as `0x${string}`),
        ),
      ),
    ).to.equal(TypedDataEncoder.hash(domain, types, endpoint));
  });
});
