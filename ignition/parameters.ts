import { readFileSync } from "node:fs";
import { getAddress, isAddress, type Address } from "viem";
import * as z from "zod";
import { BlockcloudError } from "../src/protocol/errors.ts";
import { DUE_AFTER, NOTICE_S } from "../src/protocol/voucher.ts";

const address = z
  .string()
  .refine((value) => isAddress(value), "must be an address with a valid checksum")
  .transform((value): Address => getAddress(value));
const seconds = z.number().int().positive();
/** BLOC in wei; Ignition marks a bigint in JSON with an `n`. */
const wei = z
  .string()
  .regex(/^\d{1,28}n$/, "must be wei in digits, followed by n")
  .transform((value) => BigInt(value.slice(0, -1)));

/** The longest epoch, seconds: the Cashier's constructor refuses longer ones (`CashierEpochTooLong`). */
const LONGEST_EPOCH_S = NOTICE_S / (DUE_AFTER + 1);

const parametersSchema = z.strictObject({
  epochSeconds: seconds.max(LONGEST_EPOCH_S),
  unbondingSeconds: seconds,
  /** The highest yield of the active services' stake, percent a year. */
  yieldPercent: z.number().int().positive().max(0xffffffff),
  minimumAuditorStake: wei,
  minimumServiceStake: wei,
  maximumServiceStake: wei,
  registrationFee: wei,
  excellentMs: seconds,
  goodMs: seconds,
  poorMs: seconds,
  challengeWindow: seconds,
  challengeCoolDown: seconds,
  challengeBond: wei,
  labelMinimumAge: seconds,
  labelMaximumAge: seconds,
  /** Price of a label by its bytes; the last price is also that of longer labels. */
  labelPrice1: wei,
  labelPrice2: wei,
  labelPrice3: wei,
  labelPrice4: wei,
  labelPrice5: wei,
  /** Time from the announcement to the closing of the registry. */
  closingSeconds: seconds,
  /** Receives the supply that is not for rewards; a successor creates no supply. */
  treasury: address.optional(),
  /** Adds, opens and closes classes. */
  governor: address,
  /** Delay of a governor's decision, seconds. */
  governanceDelay: z.number().int().nonnegative(),
  /** Only for a successor: the existing token. */
  token: address.optional(),
  /** Only for a successor: the registry whose services may be taken over. */
  predecessor: address.optional(),
  /** Only for a successor: BLOC for its reward pool, from the deployer. */
  rewardSupply: wei.optional(),
});
/** Either a new supply is created, or a predecessor's token is used. */
const successorNames = ["token", "predecessor", "rewardSupply"] as const;
const consistent = parametersSchema.superRefine((value, context) => {
  const successor = successorNames.filter((name) => value[name] !== undefined);
  const wanted = successor.length > 0 ? successorNames : (["treasury"] as const);
  for (const name of wanted) {
    if (value[name] === undefined)
      context.addIssue({ code: "custom", path: [name], message: "is missing" });
  }
  if (successor.length > 0 && value.treasury !== undefined) {
    context.addIssue({ code: "custom", path: ["treasury"], message: "a successor has none" });
  }
});

/** The parameters of a deployment; the names are those of the Ignition module. */
export type Parameters = z.infer<typeof parametersSchema>;

/**
 * Reads a parameter file in Ignition's format.
 *
 * @param overrides Parameters from the command line.
 * @throws BlockcloudError `PARAMETERS_INVALID` with all wrong and missing parameters.
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
    ? consistent.safeParse({ ...outer.data.Blockcloud, ...overrides })
    : outer;
  if (!parsed.success) {
    throw new BlockcloudError(
      "PARAMETERS_INVALID",
      `The parameters in ${file} are invalid:\n${z.prettifyError(parsed.error)}`,
      {
        remedy:
          "Correct the file. treasury and governor may also come from --treasury and --governor.",
      },
    );
  }
  return parsed.data;
}

/** Converts to plain JSON: wei in digits, without undefined values. */
export function plainParameters(parameters: Parameters): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(givenParameters(parameters)).map(([name, value]) => [
      name,
      typeof value === "bigint" ? value.toString() : value,
    ]),
  );
}

/** Removes undefined values. */
export function givenParameters(parameters: Parameters): Record<string, string | number | bigint> {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}
