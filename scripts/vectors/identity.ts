import { hashTypedData, zeroAddress, type Hex } from "viem";
import { bytesToHex, hexToBytes } from "../../src/protocol/bytes.ts";
import { encodeReceipt, httpChannel, ReceiptSigner, sha256 } from "../../src/protocol/receipt.ts";
import { readRecord, signRecord, type EndpointRecord } from "../../src/protocol/record.ts";
import { parseServiceId, rootServiceId, serviceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain, domainSeparator, typedData } from "../../src/protocol/typedData.ts";
import { decimals, times, type Random } from "./random.ts";

/** Service IDs, their parts, and words that are not IDs. */
export function serviceIdVectors(random: Random) {
  const ids = [
    rootServiceId(1n),
    rootServiceId((1n << 64n) - 1n),
    serviceId({ prefix: 1n, group: 0, self: random.address() }),
    serviceId({ prefix: (1n << 64n) - 1n, group: 0xffff_ffff, self: `0x${"ff".repeat(20)}` }),
    ...times(12, () =>
      serviceId({
        prefix: random.uint(64) + 1n,
        group: Number(random.uint(32)),
        self: random.address(),
      }),
    ),
  ];
  const parts = ids.map(parseServiceId);
  const group = 1n << 160n;
  const invalid = [
    0n,
    group,
    group - 1n,
    (1n << 192n) | group,
    (7n << 192n) | (0xffffffffn << 160n),
  ];
  return {
    id: ids,
    prefix: decimals(parts.map((part) => part.prefix)),
    group: decimals(parts.map((part) => part.group)),
    self: parts.map((part) => part.self),
    isRoot: parts.map((part) => part.self === zeroAddress),
    invalid: invalid.map((word) => `0x${word.toString(16).padStart(64, "0")}`),
  };
}

/** The domain, receipts and a record with their digests and signers. */
export function typedDataVectors(random: Random) {
  const chainId = 11_155_111n;
  const registry = random.address();
  const domain = blockcloudDomain(chainId, registry);
  const signer = new ReceiptSigner(domain);
  const receipts = times(12, (i) => {
    const receipt = {
      serviceId: i === 0 ? rootServiceId(1n) : random.hash(),
      nonce: random.hash(),
      channel: random.hash(),
      issuedAt: i === 1 ? (1n << 64n) - 1n : random.uint(i === 2 ? 1 : 41),
    };
    return signer.sign(receipt, random.bytes(32));
  });

  const key = random.bytes(32);
  const delegation = bytesToHex(random.bytes(31));
  const record: EndpointRecord = {
    serviceId: rootServiceId(7n),
    issuedAt: 1_750_000_000_000n,
    expiresAt: 1_750_000_060_000n,
    endpoints: [
      { uri: "https://a.example:8443/x", priority: 0, weight: 10 },
      { uri: "sal://[2001:db8::1]:9", priority: 65_535, weight: 0 },
    ],
    delegation,
  };
  const recordDigest = hashTypedData({
    domain,
    types: { Endpoint: typedData.Endpoint, EndpointRecord: typedData.EndpointRecord },
    primaryType: "EndpointRecord",
    message: record,
  });
  const encoded = signRecord(record, domain, key);
  return {
    chainId: Number(chainId),
    registry,
    domainSeparator: domainSeparator(domain),
    serviceId: receipts.map((receipt) => receipt.serviceId),
    nonce: receipts.map((receipt) => receipt.nonce),
    channel: receipts.map((receipt) => receipt.channel),
    issuedAt: decimals(receipts.map((receipt) => receipt.issuedAt)),
    digest: receipts.map((receipt) => bytesToHex(signer.digest(receipt))),
    signature: receipts.map((receipt) => receipt.signature),
    signer: receipts.map((receipt) => signer.recover(receipt)),
    recordServiceId: record.serviceId,
    recordIssuedAt: Number(record.issuedAt),
    recordExpiresAt: Number(record.expiresAt),
    recordUri: record.endpoints.map((endpoint) =>
      bytesToHex(new TextEncoder().encode(endpoint.uri)),
    ),
    recordPriority: decimals(record.endpoints.map((endpoint) => endpoint.priority)),
    recordWeight: decimals(record.endpoints.map((endpoint) => endpoint.weight)),
    recordDelegation: delegation,
    recordDigest,
    recordEncoded: encoded,
    recordSigner: readRecord(encoded, domain).signer,
    recordKeyAddress: addressOfKey(key),
  };
}

/** Channels and header values of receipts over HTTP. */
export function httpReceiptVectors(random: Random) {
  const domain = blockcloudDomain(1n, random.address());
  const signer = new ReceiptSigner(domain);
  const text = (value: string) => new TextEncoder().encode(value);
  const exchanges = [
    { method: "GET", target: "/", request: "", status: 200, response: "" },
    { method: "POST", target: "/rpc?x=%20&y", request: '{"id":1}', status: 500, response: "no" },
    { method: "HEAD", target: "/caf\u00e9", request: "", status: 304, response: "" },
    { method: "OPTIONS", target: "*", request: "", status: 599, response: "\u0000\u00ff" },
  ].map((exchange) => ({
    ...exchange,
    requestDigest: bytesToHex(sha256(text(exchange.request))),
    responseDigest: bytesToHex(sha256(text(exchange.response))),
  }));
  const channels = exchanges.map((exchange) =>
    httpChannel({
      method: exchange.method,
      target: exchange.target,
      status: exchange.status,
      requestDigest: hexToBytes(exchange.requestDigest),
      responseDigest: hexToBytes(exchange.responseDigest),
    }),
  );
  const receipts = channels.map((channel) =>
    signer.sign(
      {
        serviceId: rootServiceId(random.uint(32)),
        nonce: random.hash(),
        channel,
        issuedAt: random.uint(41),
      },
      random.bytes(32),
    ),
  );
  const column = <K extends keyof (typeof exchanges)[number]>(name: K) =>
    exchanges.map((exchange) => exchange[name]);
  return {
    registry: domain.verifyingContract,
    chainId: Number(domain.chainId),
    method: column("method"),
    targetBytes: exchanges.map(({ target }): Hex => bytesToHex(Buffer.from(target, "latin1"))),
    status: decimals(column("status")),
    requestDigest: column("requestDigest"),
    responseDigest: column("responseDigest"),
    channel: channels,
    serviceId: receipts.map((receipt) => receipt.serviceId),
    nonce: receipts.map((receipt) => receipt.nonce),
    issuedAt: decimals(receipts.map((receipt) => receipt.issuedAt)),
    signature: receipts.map((receipt) => receipt.signature),
    header: receipts.map(encodeReceipt),
    signer: receipts.map((receipt) => signer.recover(receipt)),
  };
}
