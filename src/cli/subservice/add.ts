import { rawName } from "../../protocol/name.ts";
import { grantSubService } from "../../provider/subservice/subservices.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { service, serviceKey, state } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { address, anyText, duration, wholeNumber } from "../framework/values.ts";
import { asGranter } from "./granter.ts";
import { grantJson, moment } from "./show.ts";

/** `blockcloud subservice add` */
export const subserviceAdd = chainCommand({
  flags: {
    service,
    self: text("--self <address>", "address of the device's key", address, { required: true }),
    group: text("--group <number>", "number of your choice, 32 bits", wholeNumber(0, 0xffff_ffff), {
      default: "0",
    }),
    label: text("--label <label>", "its name under the service's label", anyText, {}),
    for: text("--for <time>", "validity of the delegation, up to 366d", duration, {
      default: "30d",
    }),
    serviceKey,
    state,
  },
  examples: [
    "blockcloud subservice add --service 7 --self 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 \\\n" +
      "--label roof --service-key-file service.key",
  ],
  notes: `Copy the printed delegation to the device, for "blockcloud subservice run". The provider's agent with the
same state folder publishes the name. Run the command again to renew the delegation.`,
  async run(context) {
    const { flags, output } = context;
    const grant = await asGranter(context, flags, (granter) =>
      grantSubService(granter, {
        self: flags.self,
        group: flags.group,
        label: flags.label,
        forMs: flags.for,
      }),
    );
    output.print(
      grantJson(grant),
      [
        `sub-service  ${grant.serviceId}`,
        `name         ${rawName(grant.serviceId)}`,
        ...(grant.label === undefined ? [] : [`label        ${grant.label}`]),
        `valid until  ${moment(grant.expiresAt)}`,
        `delegation   ${grant.delegation}`,
      ].join("\n"),
    );
    return undefined;
  },
});
