import { getAddress, isAddress, type Address, type Hex } from "viem";
import * as z from "zod";
import { abiHash } from "@protocol/abiHash.ts";
import { PageError } from "./failure.ts";

/** Largest config.json that is read, bytes. */
const MAX_CONFIG = 64 * 1024;

const address = z
  .string()
  .refine((value) => isAddress(value, { strict: false }), "must be an address")
  .transform((value): Address => getAddress(value));

/** An http(s) address, or a path of the page's own origin; as an absolute address. */
const place = (base: string) =>
  z
    .string()
    .max(512)
    .transform((value, context) => {
      const url = URL.canParse(value, base) ? new URL(value, base) : undefined;
      if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href.replace(/\/$/, "");
      context.addIssue({ code: "custom", message: "must be an http(s) address or a path" });
      return z.NEVER;
    });

const schemaFor = (base: string) =>
  z.object({
    /** JSON-RPC of the chain. */
    rpc: place(base),
    /** Where the index's paths begin; without it the page reads the chain alone. */
    index: place(base).optional(),
    /** A resolver (docs/resolver.md); its answers are checked in the page. */
    resolver: place(base).optional(),
    /** Where `<service ID>/<path>` is a request to that service; without it only services that allow CORS are called. */
    call: place(base).optional(),
    /** Where `<service ID>` lists the sessions of the console's server with that service; without it, none are shown. */
    paths: place(base).optional(),
    /** A deployment file: deployments/<network>.json. */
    deployment: z.object({
      network: z.string().max(64).optional(),
      chainId: z.number().int().positive(),
      block: z.number().int().nonnegative(),
      genesis: z.number().int().positive(),
      epochSeconds: z.number().int().positive(),
      abiHash: z
        .string()
        .regex(/^0x[0-9a-f]{64}$/)
        .transform((value) => value as Hex)
        .optional(),
      contracts: z.object({
        token: address,
        rewardPool: address,
        registry: address,
        staking: address,
        proofOfService: address,
        settlement: address,
        challengeBook: address,
        labels: address,
        cashier: address,
      }),
    }),
    /** Only on an embedded chain: keys of its well-known test accounts may be used in the page. */
    embedded: z.boolean().optional(),
  });

/** What the page is told by the config.json beside it. */
export type ConsoleConfig = z.infer<ReturnType<typeof schemaFor>>;
export type Deployment = ConsoleConfig["deployment"];

/**
 * Reads config.json.
 *
 * @throws PageError `CONFIG_MISSING`, `CONFIG_INVALID`, `CONFIG_OTHER_VERSION`.
 */
export async function loadConfig(base: string): Promise<ConsoleConfig> {
  const remedy =
    "The file config.json next to index.html names RPC, index and deployment: docs/console.md.";
  let json: unknown;
  try {
    const response = await fetch(new URL("config.json", base), { cache: "no-store" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const text = await response.text();
    if (text.length > MAX_CONFIG) throw new Error("it is too long");
    json = JSON.parse(text);
  } catch (cause) {
    throw new PageError("CONFIG_MISSING", "The page cannot read its config.json.", {
      cause,
      remedy,
    });
  }
  return parseConfig(json, base);
}

/** Checks the content of config.json. */
export function parseConfig(json: unknown, base: string): ConsoleConfig {
  const parsed = schemaFor(base).safeParse(json);
  if (!parsed.success) {
    throw new PageError(
      "CONFIG_INVALID",
      `config.json is wrong: ${z.prettifyError(parsed.error)}`,
      {
        remedy: "docs/console.md lists its fields.",
      },
    );
  }
  const { deployment } = parsed.data;
  if (deployment.abiHash !== undefined && deployment.abiHash !== abiHash()) {
    throw new PageError(
      "CONFIG_OTHER_VERSION",
      `The contracts have the interfaces ${deployment.abiHash}, this page knows ${abiHash()}.`,
      { remedy: "Use the console of the version with which the contracts were deployed." },
    );
  }
  return parsed.data;
}
