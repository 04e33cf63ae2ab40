import { readFileSync, statSync } from "node:fs";
import { bytesToHex } from "../protocol/bytes.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import type { Hex } from "viem";

/**
 * Reads a private key from a file that only its owner may read, or from an environment variable. The key
 * never appears in an error.
 *
 * @param source `file`: a path, or undefined to read the variable `variable`.
 * @throws BlockcloudError `KEY_MISSING`, `KEY_FILE_OPEN` or `KEY_MALFORMED`.
 */
export function loadKey(source: { file: string | undefined; variable: string }): Hex {
  const text = source.file ? readFile(source.file) : process.env[source.variable];
  const where = source.file ?? `$${source.variable}`;
  if (text === undefined || text.trim() === "") {
    throw new BlockcloudError("KEY_MISSING", `There is no key in ${where}.`, {
      remedy: `Name a key file, or set ${source.variable}.`,
    });
  }
  return parseKey(text.trim(), where);
}

/**
 * Reads any number of private keys: one from each file, or, without files, from an environment variable
 * that holds them with blanks or commas between them.
 *
 * @throws BlockcloudError as {@link loadKey}; no key at all is no error.
 */
export function loadKeys(source: { files: readonly string[]; variable: string }): Hex[] {
  const { files, variable } = source;
  if (files.length > 0) return files.map((file) => loadKey({ file, variable }));
  const listed = (process.env[variable] ?? "").split(/[\s,]+/).filter((text) => text !== "");
  return listed.map((text) => parseKey(text, `$${variable}`));
}

function parseKey(text: string, where: string): Hex {
  if (!/^0x[0-9a-f]{64}$/i.test(text)) {
    throw new BlockcloudError("KEY_MALFORMED", `The key in ${where} is malformed.`, {
      remedy: "Give 0x and 64 hexadecimal digits.",
    });
  }
  return bytesToHex(Buffer.from(text.slice(2), "hex"));
}

function readFile(file: string): string {
  try {
    const mode = statSync(file).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new BlockcloudError(
        "KEY_FILE_OPEN",
        `Others may read the key file ${file} (mode ${mode.toString(8)}).`,
        { remedy: `Run: chmod 600 ${file}` },
      );
    }
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof BlockcloudError) throw cause;
    throw new BlockcloudError("KEY_MISSING", `The key file ${file} cannot be read.`, {
      cause,
      remedy: "Check the path and its permissions.",
    });
  }
}
