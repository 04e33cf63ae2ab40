import { readDelegation, revocations, signDelegation } from "../../src/protocol/delegation.ts";
import { parseName, rawName } from "../../src/protocol/name.ts";
import { nameKey, nameRecords } from "../../src/protocol/nameRecord.ts";
import { endpointRecords } from "../../src/protocol/record.ts";
import { rootServiceId, serviceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { decimals, times, type Random } from "./random.ts";

/** A sub-service's record with its delegation, its name, and the revocations of both; raw names. */
export function recordVectors(random: Random) {
  const chainId = 11_155_111n;
  const registry = random.address();
  const domain = blockcloudDomain(chainId, registry);
  const rootKey = random.bytes(32);
  const subKey = random.bytes(32);
  const root = rootServiceId(7n);
  const sub = serviceId({ prefix: 7n, group: 3, self: addressOfKey(subKey) });
  const issuedAt = 1_750_000_000_000n;
  const grant = { serviceId: sub, issuedAt, expiresAt: issuedAt + 86_400_000n };
  const delegation = signDelegation(grant, domain, rootKey);
  const record = endpointRecords.sign(
    {
      serviceId: sub,
      issuedAt: issuedAt + 1n,
      expiresAt: issuedAt + 60_001n,
      endpoints: [{ uri: "https://[2001:db8::7]:8443", priority: 1, weight: 5 }],
      delegation,
    },
    domain,
    subKey,
  );
  const revocation = revocations.sign({ ...grant, issuedAt: issuedAt + 2n }, domain, rootKey);
  const name = { root, label: "roof", serviceId: sub, issuedAt, expiresAt: grant.expiresAt };
  const nameRecord = nameRecords.sign(name, domain, rootKey);
  const ids = [root, sub, ...times(6, () => subServiceId(random))];
  return {
    chainId: Number(chainId),
    registry,
    rootKeyAddress: addressOfKey(rootKey),
    subServiceId: sub,
    issuedAt: decimals([issuedAt]),
    delegation,
    delegationSigner: readDelegation(sub, delegation, domain).signer,
    record,
    recordDigest: endpointRecords.read(record, domain).digest,
    revocation,
    revocationDigest: revocations.read(revocation, domain).digest,
    nameRecord,
    nameRecordDigest: nameRecords.read(nameRecord, domain).digest,
    nameKey: nameKey(root, name.label),
    rawName: ids.map((id) => rawName(id)),
    rawNameId: ids.map((id) => {
      const parsed = parseName(rawName(id));
      return parsed.kind === "id" ? parsed.serviceId : "";
    }),
  };
}

function subServiceId(random: Random) {
  return serviceId({
    prefix: random.uint(40) + 1n,
    group: Number(random.uint(32)),
    self: random.address(),
  });
}
