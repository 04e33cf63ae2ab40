import { revokeAnywhere } from "../../provider/subservice/localGrants.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { service, serviceKey, state } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { anyText } from "../framework/values.ts";
import { asGranter } from "./granter.ts";
import { grantJson } from "./show.ts";

/** `blockcloud subservice revoke` */
export const subserviceRevoke = chainCommand({
  flags: { service, serviceKey, state },
  args: { subservice: text("<subservice>", "its ID or its label", anyText, { required: true }) },
  examples: ["blockcloud subservice revoke roof --service 7 --service-key-file service.key"],
  notes: `The provider's agent with the same state folder publishes the revocation within a second, and keeps it
published as long as the delegation could be valid; for a port of "expose --under", a running expose does so, too.
Stop that expose then: its next start delegates again. Without an agent, "blockcloud service set-key" revokes all
delegations at once.`,
  async run(context) {
    const { flags, args, deployment, output } = context;
    const grant = await asGranter(context, flags, (granter) =>
      revokeAnywhere(granter, args.subservice, { stateDir: flags.state, deployment }),
    );
    output.print(grantJson(grant), `revoked: ${grant.serviceId}`);
    return undefined;
  },
});
