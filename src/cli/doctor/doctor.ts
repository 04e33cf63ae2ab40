import type { ChainClient } from "../../chain/client.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { GAS_PER_ROUND } from "../../chain/runway.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { keyPathFlags, pathOf, state, workerFlags } from "../framework/commonFlags.ts";
import { exitCodes } from "../framework/exitCodes.ts";
import { optional, text, type Values } from "../framework/flag.ts";
import { anyText } from "../framework/values.ts";
import { canonicalName } from "../../protocol/name.ts";
import { ownAddress } from "../../sal/proxy/map/range.ts";
import { fullName } from "../user/flags.ts";
import { map, mapFlags } from "../user/mapFlags.ts";
import { examineNaming } from "./naming.ts";
import { hostNameService } from "./nameService.ts";
import { faucetKey } from "../faucet/flags.ts";
import { keeperKey } from "../keeper/flags.ts";
import { listen } from "../provider/flags.ts";
import { dns, http } from "../resolver/flags.ts";
import { deviceKey } from "../subservice/flags.ts";
import { ownVersion } from "../version.ts";
import { examineKeys } from "./accounts.ts";
import { examine, findingsText, ill, well, type CheckResult } from "./check.ts";
import { examineNode, examinePort, examineState } from "./host.ts";
import { examineIpv6, examineNat, examinePath, networkFlags } from "./network.ts";
import { examineRpc } from "./rpc.ts";

/** Keys of groups that have flags of their own. */
const moreKeys = {
  keeperKey: pathOf(keeperKey),
  faucetKey: pathOf(faucetKey),
  deviceKey: pathOf(deviceKey),
};

/** How names of services resolve on this system. */
const namingFlags = {
  name: text("--name <name>", "name of a service, to be resolved as programs do it", anyText, {}),
  map,
  mapDns: mapFlags.mapDns,
};

/** `blockcloud doctor` */
export const doctor = chainCommand(
  {
    flags: {
      state,
      metrics: workerFlags.metrics,
      http,
      dns,
      listen: optional(listen),
      ...namingFlags,
      ...networkFlags,
      ...keyPathFlags,
      ...moreKeys,
    },
    examples: [
      "blockcloud doctor --wallet-key-file wallet.key --service-key-file service.key",
      "blockcloud doctor --name weather.bloc.alt --map 127.77.0.0/16",
      "blockcloud doctor --relay relay-1.example:4443 --relay relay-2.example:4443",
      "blockcloud doctor --reach weather.bloc.alt --resolver http://127.0.0.1:8053",
      "blockcloud doctor --operator-key-file operator.key --metrics 127.0.0.1:9464 --json",
    ],
    notes:
      "Exit code 1 if any check failed. It changes nothing, sends no transaction and opens no encrypted key.",
    async run({ flags, io, client, deployment, output }) {
      const { walletKey, serviceKey, ownerKey, operatorKey, keeperKey, faucetKey, deviceKey } =
        flags;
      const now = io.now() / 1000;
      const ports = [
        ...(flags.listen === undefined ? [] : [examinePort("listen", flags.listen)]),
        ...(flags.http === undefined ? [] : [examinePort("http", flags.http)]),
        ...(flags.dns === undefined ? [] : [examinePort("dns", flags.dns)]),
        ...(flags.metrics === undefined ? [] : [examinePort("metrics", flags.metrics)]),
      ];
      const findings: CheckResult[] = [
        examineNode(process.version),
        version(deployment),
        examineState(flags.state),
        ...(await examineRpc(flags.rpc, deployment, now)),
        ...(await examine("contracts", "Name an endpoint that answers.", () =>
          contracts(client, deployment),
        )),
        ...(await examineKeys(
          [
            named("wallet", walletKey, "BLOCKCLOUD_WALLET_KEY", GAS_PER_ROUND.provider),
            named("service", serviceKey, "BLOCKCLOUD_SERVICE_KEY", 0n),
            named("owner", ownerKey, "BLOCKCLOUD_OWNER_KEY", 0n),
            named("operator", operatorKey, "BLOCKCLOUD_OPERATOR_KEY", GAS_PER_ROUND.auditor),
            named("keeper", keeperKey, "BLOCKCLOUD_KEEPER_KEY", GAS_PER_ROUND.keeper),
            named("faucet", faucetKey, "BLOCKCLOUD_FAUCET_KEY", GAS_PER_ROUND.faucet),
            named("device", deviceKey, "BLOCKCLOUD_DEVICE_KEY", 0n),
          ],
          io.env,
          { client, deployment },
        )),
        ...(await Promise.all(ports)),
        examineIpv6(),
        ...(await examineNat(flags.relays ?? [])),
        ...(flags.reach === undefined
          ? []
          : await examinePath(flags.reach, flags, deployment, { timers: io.timers })),
        ...(await naming(flags)),
      ];
      const ok = findings.every((finding) => finding.ok);
      output.print({ ok, checks: findings }, findingsText(findings));
      return ok ? exitCodes.ok : exitCodes.failed;
    },
  },
  { checkChain: false },
);

async function naming(flags: Values<typeof namingFlags>): Promise<readonly CheckResult[]> {
  const { name, map: range, mapDns } = flags;
  if (name === undefined) return [];
  const own = range === undefined ? "127.0.0.1" : ownAddress(range);
  return examine(`name ${name}`, "Give a name under bloc.alt or bloc.internal.", async () => {
    // Any other name says nothing about services.
    canonicalName(fullName(name));
    const asked = { name: fullName(name), range, dns: mapDns ?? { host: own, port: 53 } };
    return examineNaming(asked, hostNameService);
  });
}

function named(name: string, file: string | undefined, variable: string, gasPerRound: bigint) {
  return { name, file, variable, gasPerRound };
}

/** Reading the deployment's file has compared its interfaces already. */
function version(deployment: Deployment): CheckResult {
  const fits =
    deployment.abiHash === undefined ? "the deployment names no interfaces" : "fits the deployment";
  return well("version", `blockcloud ${ownVersion()}, ${fits}`);
}

async function contracts(client: ChainClient, deployment: Deployment): Promise<CheckResult> {
  const named = Object.entries(deployment.contracts);
  const codes = await Promise.all(
    named.map(async ([, address]) =>
      address === undefined ? "0x" : await client.getCode({ address }),
    ),
  );
  const missing = named.flatMap(([name], index) => (codes[index] === undefined ? [name] : []));
  return missing.length === 0
    ? well("contracts", `all ${named.length} are on chain`)
    : ill(
        "contracts",
        `no code at: ${missing.join(", ")}`,
        "Name the deployment file of this chain.",
      );
}
