import * as z from "zod";
import { BlockcloudError } from "../../protocol/errors.ts";
import { parseProbe, type ProbeInput } from "../../protocol/probe.ts";
import { serviceKey } from "../framework/commonFlags.ts";
import { document, text, toggle } from "../framework/flag.ts";
import { anyText, blocAmount } from "../framework/values.ts";

/** Longest description URI, bytes (`MAX_METADATA` of the registry). */
const MAX_METADATA_BYTES = 256;

/** A probe specification. White space in a file is ignored. */
const probeValue: z.ZodType<ProbeInput, string> = z.string().transform((given, context) => {
  try {
    const compact = JSON.stringify(JSON.parse(given) as ProbeInput);
    parseProbe(new TextEncoder().encode(compact));
    return JSON.parse(compact) as ProbeInput;
  } catch (error) {
    const { code, message: why } =
      error instanceof BlockcloudError ? error : { code: "PROBE_INVALID", message: "Not JSON." };
    const message = `${code}: ${why} See docs/protocol.md, section 2.`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
});

/** `--probe` */
export const probeFlag = document(
  "--probe <json>",
  "probe specification, or @<file> with it (docs/protocol.md, section 2)",
  probeValue,
  { required: true },
);

/** URI of a description; empty for none. */
export const metadataUri = z
  .string()
  .refine(
    (uri) => new TextEncoder().encode(uri).length <= MAX_METADATA_BYTES,
    `Give at most ${MAX_METADATA_BYTES} bytes.`,
  )
  .refine((uri) => uri === "" || URL.canParse(uri), "Give a URI, or nothing.");

/** The initial settings of a service, in a registration or a take-over. */
export const registrationFlags = {
  class: text("--class <name>", "class of the service", anyText, { default: "http" }),
  probe: probeFlag,
  stake: text("--stake <bloc>", "BLOC to stake", blocAmount, { default: "1000" }),
  belowMinimum: toggle(
    "--below-minimum",
    "take a stake below the class's minimum: the service is not active until the rest is staked",
  ),
  metadata: text("--metadata <uri>", "URI of a description", metadataUri, { default: "" }),
  serviceKey,
};
