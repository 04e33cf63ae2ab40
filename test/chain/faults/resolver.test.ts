import { expect } from "chai";
import { TransactionSender } from "../../../src/chain/transactions/sender.ts";
import { silentLogger } from "../../../src/node/logger.ts";
import { serviceRegistryAbi } from "../../../src/protocol/abi/serviceRegistry.ts";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { signRecord } from "../../../src/protocol/record.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { createResolver, type LocalResolver } from "../../../src/resolver/createResolver.ts";
import { AuditorStage, fastTimers, keys } from "../../support/auditorStage.ts";
import { rpcStories } from "../../support/rpcFaults.ts";
import { RpcProxy } from "../../support/rpcProxy.ts";

const SERVICE = 1n;
const URI = "https://weather.example";

/** With no other endpoint to go to, and no peer: what is announced on chain is all that there is. */
describe("a resolver finds a service behind an endpoint that", () => {
  let stage: AuditorStage;
  let proxy: RpcProxy;
  let resolver: LocalResolver;

  before(async () => {
    stage = await AuditorStage.start();
  });
  after(() => stage?.stop());

  beforeEach(async () => {
    await stage.reset();
    await stage.jump(stage.first, 0);
    proxy = new RpcProxy(stage.anvil.rpcUrl);
    await proxy.start();
    const { deployment } = stage;
    resolver = createResolver({ rpcUrls: [proxy.url], deployment }, { timers: fastTimers });
    await resolver.start();
  });
  afterEach(async () => {
    await resolver.stop();
    await proxy.stop();
  });

  /** A record of now, announced by the service's owner. */
  const announce = async () => {
    const { chainId, contracts } = stage.deployment;
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    const issuedAt = (await stage.client.getBlock()).timestamp * 1000n;
    const record = {
      serviceId: rootServiceId(SERVICE),
      issuedAt,
      expiresAt: issuedAt + 86_400_000n,
      endpoints: [{ uri: URI, priority: 0, weight: 1 }],
      delegation: "0x" as const,
    };
    const sender = new TransactionSender(
      { rpcUrls: [stage.anvil.rpcUrl], chainId, key: keys.provider.key },
      { client: stage.client, log: silentLogger, timers: fastTimers },
    );
    let isDone = false;
    const sending = sender
      .send({
        address: contracts.registry,
        abi: serviceRegistryAbi,
        functionName: "announce",
        args: [SERVICE, signRecord(record, domain, hexToBytes(keys.provider.key))],
      })
      .finally(() => (isDone = true));
    await stage.mineUntil("it is announced", () => isDone);
    await sending;
  };
  const found = async () => {
    try {
      const { endpoints } = await resolver.resolve(rootServiceId(SERVICE));
      return endpoints.map(({ uri }) => uri);
    } catch {
      // Not yet: a client asks again.
      return [];
    }
  };

  for (const { name, begin } of rpcStories) {
    it(name, async () => {
      begin(proxy);
      await announce();
      await stage.mineUntil("it is found", async () => (await found()).length > 0);
      expect(await found()).to.deep.equal([URI]);
    });
  }
});
