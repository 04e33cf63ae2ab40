import { readFileSync } from "node:fs";
import { getAddress, isAddress, type Address } from "viem";
import { z } from "zod";
import { BlockcloudError } from "../src/protocol/errors.ts";

const address = z
  .string()
  .refine((value) => isAddress(value), "must be an address with a valid checksum")
  .transform((value): Address => getAddress(value));
const seconds = z.number().int().positive();
/** BLOC in wei; Ignition marks a bigint in JSON with an `n`. */
const wei = z
  .string()
  .regex(/^\d{1,28}n$/, "must be wei in digits with an n behind them")
  .transform((value) => BigInt(value.slice(0, -1)));

const parametersSchema = z.strictObject({
  epochSeconds: seconds,
  unbondingSeconds: seconds,
  minimumAuditorStake: wei,
  minimumServiceStake: wei,
  registrationFee: wei,
  excellentMs: seconds,
  goodMs: seconds,
  poorMs: seconds,
  challengeWindow: seconds,
  challengeCoolDown: seconds,
  challengeBond: wei,
  labelMinimumAge: seconds,
  labelMaximumAge: seconds,
  /** Holds what of the supply is not reward. */
  treasury: address,
  /** Adds, opens and closes classes. */
  governor: address,
  /** How long a decision of the governor waits, seconds. */
  governanceDelay: z.number().int().nonnegative(),
});

/** What a deployment is made with; the names are those of the Ignition module. */
export type Parameters = z.infer<typeof parametersSchema>;

/**
 * Reads a parameter file in Ignition's format.
 *
 * @param overrides What the file leaves to whoever deploys.
 * @throws BlockcloudError `PARAMETERS_INVALID` that lists everything that is wrong or missing.
 */
export function readParameters(
  file: string,
  overrides: Partial<Record<keyof Parameters, unknown>> = {},
): Parameters {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new BlockcloudError("PARAMETERS_INVALID", `Cannot read the parameters in ${file}.`, {
      cause,
      remedy: "Name a JSON file like those in ignition/parameters.",
    });
  }
  const schema = z.strictObject({ Blockcloud: z.record(z.string(), z.unknown()) });
  const outer = schema.safeParse(json);
  const parsed = outer.success
    ? parametersSchema.safeParse({ ...outer.data.Blockcloud, ...overrides })
    : outer;
  if (!parsed.success) {
    throw new BlockcloudError(
      "PARAMETERS_INVALID",
      `The parameters in ${file} do not do:\n${z.prettifyError(parsed.error)}`,
      { remedy: "treasury and governor may come from --treasury and --governor." },
    );
  }
  return parsed.data;
}

/** As plain JSON: wei in digits. */
export function plainParameters(parameters: Parameters): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === "bigint" ? value.toString() : value,
    ]),
  );
}
