import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { BlockcloudError } from "../../protocol/errors.ts";
import { MAX_PROBE_BYTES, parseProbe, type ProbeInput } from "../../protocol/probe.ts";
import { text } from "../framework/flag.ts";

/** The longest description URI, bytes (`MAX_METADATA` of the registry). */
const MAX_METADATA_BYTES = 256;

/** A specification, or `@` and the file that holds it. */
const probeValue: z.ZodType<ProbeInput, string> = z.string().transform((given, context) => {
  try {
    const bytes = given.startsWith("@")
      ? readProbe(given.slice(1))
      : new TextEncoder().encode(given);
    parseProbe(bytes);
    return JSON.parse(new TextDecoder().decode(bytes)) as ProbeInput;
  } catch (error) {
    const known = error instanceof BlockcloudError;
    const message = known ? `${error.code}: ${error.message}` : "The file cannot be read.";
    context.addIssue({ code: "custom", message: `${message} See docs/protocol.md, section 2.` });
    return z.NEVER;
  }
});

/** `--probe` */
export const probeFlag = text(
  "--probe <json>",
  "how auditors inspect it, or @ and a file with that (docs/protocol.md, section 2)",
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

function readProbe(file: string): Uint8Array {
  // One byte too many is read as what it is: a specification that is too long.
  if (statSync(file).size > 16 * MAX_PROBE_BYTES) return new Uint8Array(MAX_PROBE_BYTES + 1);
  // White space that people need is not what the chain should carry.
  const content = readFileSync(file, "utf8");
  try {
    return new TextEncoder().encode(JSON.stringify(JSON.parse(content)));
  } catch {
    // Not JSON: the schema says so.
    return new TextEncoder().encode(content);
  }
}
