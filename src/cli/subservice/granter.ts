import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { readMoment } from "../../chain/views/contracts.ts";
import { Services } from "../../chain/services.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { HORIZON } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { ProviderStore, providerStoreFile } from "../../provider/store.ts";
import type { Granter } from "../../provider/subservice/subservices.ts";
import type { Hex } from "viem";

/**
 * Runs a function that signs for a root service, with the store of its grants.
 *
 * @throws BlockcloudError `SERVICE_UNREGISTERED`; `SERVICE_KEY_OTHER` if clients would refuse the key.
 */
export async function asGranter<T>(
  context: { client: ChainClient; deployment: Deployment },
  input: { service: bigint; serviceKey: Hex; state: string },
  body: (granter: Granter) => T,
): Promise<T> {
  const { client, deployment } = context;
  const { service, serviceKey, state } = input;
  const { epoch, timestamp } = await readMoment(client, deployment);
  const services = new Services(client, deployment);
  await services.requireRegistered(service);
  const expected = await services.key(service, epoch + HORIZON);
  const address = addressOfKey(serviceKey);
  if (address !== expected) {
    throw new BlockcloudError(
      "SERVICE_KEY_OTHER",
      `The key is ${address}, that of service ${service} ${expected}.`,
      { remedy: "Give the service's newest key: clients refuse signatures of any other key." },
    );
  }
  const store = new ProviderStore(providerStoreFile(state, deployment, service));
  try {
    return body({
      number: service,
      key: hexToBytes(serviceKey),
      domain: blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry),
      grants: store.grants,
      now: () => timestamp * 1000,
    });
  } finally {
    store.close();
  }
}
