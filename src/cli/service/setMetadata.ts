import { serviceRegistryAbi } from "../../protocol/abi/serviceRegistry.ts";
import { service, walletKey } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { transactCommand } from "../framework/transactCommand.ts";
import { changeService } from "./change.ts";
import { metadataUri } from "./flags.ts";
import { serviceState } from "./state.ts";

/** `blockcloud service set-metadata` */
export const serviceSetMetadata = transactCommand({
  flags: {
    service,
    metadata: text("--metadata <uri>", "URI of a description; empty for none", metadataUri, {
      required: true,
    }),
  },
  signer: walletKey,
  examples: [
    "blockcloud service set-metadata --service 7 --metadata https://weather.example/about.json \\\n" +
      "--wallet-key-file wallet.key",
  ],
  async run(context) {
    const { flags, client, deployment } = context;
    const { metadata } = flags;
    await serviceState(client, deployment, flags.service);
    const present = await client.readContract({
      address: deployment.contracts.registry,
      abi: serviceRegistryAbi,
      functionName: "metadataOf",
      args: [flags.service],
    });
    return changeService(context, {
      number: flags.service,
      title: "replace the description",
      already: present === metadata ? "this is the service's description" : undefined,
      name: "set metadata",
      functionName: "setMetadata",
      args: [flags.service, metadata],
      outcome: [metadata === "" ? "the service has no description" : `described by ${metadata}`],
      json: { metadata },
    });
  },
});
