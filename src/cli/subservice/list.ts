import { readMoment } from "../../chain/views/contracts.ts";
import { ProviderStore, providerStoreFile } from "../../provider/store.ts";
import { allGrants } from "../../provider/subservice/localGrants.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { service, state } from "../framework/commonFlags.ts";
import { grantJson, grantState, moment } from "./show.ts";

/** `blockcloud subservice list` */
export const subserviceList = chainCommand({
  flags: { service, state },
  examples: ["blockcloud subservice list --service 7"],
  async run({ flags, client, deployment, output }) {
    const { timestamp } = await readMoment(client, deployment);
    const place = { stateDir: flags.state, deployment };
    const store = new ProviderStore(providerStoreFile(flags.state, deployment, flags.service));
    try {
      const grants = allGrants(store.grants, flags.service, place).map((grant) => {
        const standing = grantState(grant, timestamp * 1000);
        return { ...grantJson(grant), state: standing };
      });
      const lines = grants.map(
        (grant) =>
          `${grant.serviceId}  ${grant.state.padEnd(7)}  ${moment(grant.expiresAt)}  ${grant.label ?? ""}`,
      );
      const text =
        lines.length === 0 ? "no sub-services were added from this state folder" : lines.join("\n");
      output.print({ subservices: grants }, text);
    } finally {
      store.close();
    }
    return undefined;
  },
});
