import { createReadStream, createWriteStream, existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import * as z from "zod";
import { packageRoot } from "../../src/node/packageRoot.ts";

/** The package that has Chromium in it, compressed, for Linux on x64. */
const PACKAGE = path.join(packageRoot(), "node_modules/@sparticuz/chromium");
const isPackaged = process.platform === "linux" && process.arch === "x64" && existsSync(PACKAGE);
const { CHROMIUM: named } = process.env;
/** Where Debian has it. */
const INSTALLED = "/usr/bin/chromium";

/** Why there is no browser; undefined if there is one. */
export function whyNoBrowser(): string | undefined {
  if (isPackaged || existsSync(named ?? INSTALLED)) return undefined;
  return `there is no ${named ?? INSTALLED}: install Debian's chromium, or name one in CHROMIUM`;
}

/** Chromium's program: the one that is named, that of the locked package, or Debian's. */
export async function chromiumProgram(): Promise<string> {
  if (named !== undefined) return named;
  return isPackaged ? await unpacked() : INSTALLED;
}

/** Decompresses the package's program once for all tests. */
async function unpacked(): Promise<string> {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(path.join(PACKAGE, "package.json"), "utf8")));
  const folder = path.join(packageRoot(), "node_modules/.cache/chromium");
  const program = path.join(folder, `chromium-${version}`);
  if (existsSync(program)) return program;
  await mkdir(folder, { recursive: true });
  // Several processes may do it at the same time; each puts a whole program in place.
  const part = `${program}.${process.pid}`;
  await pipeline(
    createReadStream(path.join(PACKAGE, "bin/chromium.br")),
    createBrotliDecompress({ chunkSize: 1 << 20 }),
    createWriteStream(part),
  );
  await chmod(part, 0o755);
  await rename(part, program);
  return program;
}
