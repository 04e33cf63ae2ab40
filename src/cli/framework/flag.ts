import type { Hex } from "viem";
import type { z } from "zod";
import { anyText, onOff, several } from "./values.ts";

/**
 * One setting of a command. It is a flag, an environment variable or a place in the configuration file, in
 * this order of precedence. The same schema reads its text in each case.
 */
export interface Flag<T> {
  readonly kind: "text" | "document" | "list" | "switch" | "path" | "key" | "keys";
  /** Syntax for commander: `--stake <bloc>`. */
  readonly syntax: string;
  readonly about: string;
  readonly schema: z.ZodType;
  readonly options: FlagOptions;
  /** Carries the type only. */
  readonly type?: T;
}

export interface FlagOptions {
  /** Environment variable with the value; for a key, with the key itself. */
  readonly env?: string;
  /** Place in the configuration file, dots between names. */
  readonly config?: string;
  /** Text of the default value. */
  readonly default?: string;
  /** Whether the command cannot run without it. */
  readonly required?: boolean;
  /** Whether the deployment's file may stand in where a required one is not given. */
  readonly preset?: boolean;
  /** Whether errors may show a wrong value; false if it may contain a secret. */
  readonly secret?: boolean;
}

/** Settings of a command by name. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;
/** Their values. */
export type Values<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

type Given = { readonly default: string } | { readonly required: true };
type Read<T, O extends FlagOptions> = O extends Given ? T : T | undefined;

function define(kind: Flag<unknown>["kind"]) {
  return <T, const O extends FlagOptions>(
    syntax: string,
    about: string,
    schema: z.ZodType<T, string>,
    options: O,
  ): Flag<Read<T, O>> => ({ kind, syntax, about, schema, options });
}

/** A flag with a value. */
export const text = define("text");

/** A flag with a text, or with `@` and the file that holds it. */
export const document = define("document");

/** A flag with a path; in a configuration file the path is relative to the file's folder. */
export const file = define("path");

/** A flag that may be repeated; in the environment, commas separate the values. */
export function list<T, const O extends FlagOptions>(
  syntax: string,
  about: string,
  schema: z.ZodType<T, string>,
  options: O,
): Flag<Read<readonly T[], O>> {
  return { kind: "list", syntax, about, schema: several(schema), options };
}

/** A flag without a value. */
export function toggle(syntax: string, about: string, options: FlagOptions = {}): Flag<boolean> {
  return {
    kind: "switch",
    syntax,
    about,
    schema: onOff,
    options: { ...options, default: "false" },
  };
}

/** A flag that names a private key's file; the environment variable holds the key itself. */
export function key<const O extends FlagOptions & { env: string }>(
  syntax: string,
  about: string,
  options: O,
): Flag<Read<Hex, O>> {
  return { kind: "key", syntax, about, schema: anyText, options };
}

/** Like {@link key}, for any number of keys, including none. */
export function keys(
  syntax: string,
  about: string,
  options: FlagOptions & { env: string },
): Flag<readonly Hex[]> {
  return { kind: "keys", syntax, about, schema: several(anyText), options };
}

/** The same flag, optional. */
export function optional<T>(flag: Flag<T>): Flag<T | undefined> {
  return { ...flag, options: { ...flag.options, required: false } };
}

/** The same flag, required. */
export function required<T>(flag: Flag<T | undefined>): Flag<T> {
  return { ...flag, options: { ...flag.options, required: true } } as Flag<T>;
}
