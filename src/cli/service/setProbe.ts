import { HORIZON } from "../../protocol/epoch.ts";
import { keccak256 } from "viem";
import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { encodeProbe } from "../../protocol/probe.ts";
import { service, walletKey } from "../framework/commonFlags.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { changeService } from "./change.ts";
import { probeFlag } from "./flags.ts";
import { serviceState } from "./state.ts";

/** `blockcloud service set-probe` */
export const serviceSetProbe = transactCommand({
  flags: { service, probe: probeFlag },
  signer: walletKey,
  examples: [
    `blockcloud service set-probe --service 7 --probe '{"v":1,"requests":[{"path":"/"}]}' \\\n` +
      "--wallet-key-file wallet.key",
    "blockcloud service set-probe --service 7 --probe @probe.json --wallet-key-file wallet.key",
  ],
  async run(context) {
    const { flags, client, deployment, services } = context;
    const { epoch } = await serviceState(client, deployment, flags.service);
    const registry = { address: deployment.contracts.registry, abi: serviceRegistryAbi };
    const [classId, [hash]] = await Promise.all([
      client.readContract({ ...registry, functionName: "classOf", args: [flags.service] }),
      client.readContract({
        ...registry,
        functionName: "probeAt",
        args: [flags.service, epoch + HORIZON],
      }),
    ]);
    const { name: className } = await services.classAt(classId);
    const probe = bytesToHex(encodeProbe(flags.probe, className));
    return changeService(context, {
      number: flags.service,
      title: "replace the probe specification",
      already: hash === keccak256(probe) ? "this is the service's specification" : undefined,
      name: "set probe",
      functionName: "setProbe",
      args: [flags.service, probe],
      outcome: ["auditors use it two epochs from now"],
      json: { probeHash: keccak256(probe) },
    });
  },
});
