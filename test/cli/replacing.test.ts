import { expect } from "chai";
import { once } from "node:events";
import type { Hex } from "viem";
import type { WorkerProcess } from "../../devnet/worker.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { signDelegation } from "../../src/protocol/delegation.ts";
import { rootServiceId, serviceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { localDeviceKey } from "../../src/provider/subservice/localDevice.ts";
import { AgentRig, openWebSocket, says } from "../support/agentRig.ts";
import { parts } from "../support/cliRig.ts";
import { until } from "../support/until.ts";

const DAY = 86_400_000;
const SERVICE_KEY = hexToBytes(parts.service.key);

/** A worker that serves the echo, in which way ever. */
interface Kind {
  start(...more: string[]): WorkerProcess;
  /** What its users know of it. */
  service(): { id: Hex; key: Hex; port: number };
}

describe("subservice run and expose with --take-over", () => {
  let rig: AgentRig;
  let delegation: Hex;

  before(async () => {
    rig = await AgentRig.start();
    const { chainId, contracts } = rig.cli.devnet.deployment;
    const now = (await rig.cli.client.getBlock()).timestamp * 1000n;
    delegation = signDelegation(
      { serviceId: deviceId(), issuedAt: now, expiresAt: now + BigInt(DAY) },
      blockcloudDomain(BigInt(chainId), contracts.registry),
      SERVICE_KEY,
    );
  });
  after(() => rig?.stop());

  const listen = ["--listen", "127.0.0.1:0", "--allow-loopback"];
  const coral = ["--coral-listen", "/ip4/127.0.0.1/tcp/0"];
  const subServiceOf = (key: Hex) => serviceId({ prefix: 1n, group: 0, self: addressOfKey(key) });
  const deviceId = () => subServiceOf(parts.operator.key);
  const exposedKey = () => localDeviceKey(SERVICE_KEY, 1n, `port ${rig.echoPort}`);

  const kinds: Record<string, Kind> = {
    "subservice run": {
      start: (...more) =>
        rig.launch(
          "subservice",
          [
            ...["subservice", "run", "--id", deviceId(), "--delegation", delegation],
            ...["--upstream", rig.upstreamUrl, ...listen, ...coral, ...more],
          ],
          { env: { BLOCKCLOUD_DEVICE_KEY: parts.operator.key } },
        ),
      service: () => ({ id: deviceId(), key: parts.operator.key, port: 80 }),
    },
    "expose --under": {
      start: (...more) =>
        rig.launch(
          "exposed",
          ["expose", `${rig.echoPort}`, "--under", "1", ...listen, ...coral, ...more],
          { env: { BLOCKCLOUD_SERVICE_KEY: parts.service.key } },
        ),
      service: () => ({ id: subServiceOf(exposedKey()), key: exposedKey(), port: rig.echoPort }),
    },
    expose: {
      start: (...more) =>
        rig.launch(
          "exposed-root",
          ["expose", `${rig.echoPort}`, "--service", "1", ...listen, ...coral, ...more],
          {
            env: {
              BLOCKCLOUD_SERVICE_KEY: parts.service.key,
              BLOCKCLOUD_WALLET_KEY: parts.wallet.key,
            },
          },
        ),
      service: () => ({
        ...{ id: rootServiceId(1n), key: parts.service.key, port: rig.echoPort },
      }),
    },
  };

  for (const [name, { start, service }] of Object.entries(kinds)) {
    it(`${name} takes the place of the process that runs, and cuts nobody off`, async () => {
      const old = start();
      const { port } = await old.logged("Gateway listens");
      await old.logged("endpoint published");
      const { id, key, port: to } = service();
      const user = rig.user([`sal://127.0.0.1:${String(port)}`], { id, key });
      const open = () => (to === 80 ? openWebSocket(user) : user.client.connect("service", to));
      const flow = await open();
      await says("before", flow);

      const refused = start();
      await until("the process without the flag has ended", () => !refused.running);
      expect(refused.lastError).to.contain("runs already");

      const successor = start("--take-over");
      expect((await successor.logged("Gateway listens")).port).to.equal(port);
      await old.logged("another process serves new clients");
      await successor.logged("endpoint published");
      await says("the same flow", flow);
      const another = await open();
      await says("a new flow", another);
      for (const session of user.client.sessions) session.reconsider("interfaces");
      await says("over another connection", flow);

      const { serving, others } = await rig.states(old.name);
      expect({ serving, others }).to.deep.equal({ serving: 1, others: 1 });
      flow.end();
      await once(flow.resume(), "close");
      await until("the old process has ended", () => !old.running);
      expect(old.exitCode).to.equal(0);
      await says("goes on", another);
      another.destroy();
      await successor.stop();
    });
  }
});
