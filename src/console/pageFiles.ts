import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { constants, brotliCompressSync, gzipSync } from "node:zlib";
import { BlockcloudError } from "../protocol/errors.ts";

/** The build of the page is small; a folder of another kind was named by mistake. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_FILES = 1_000;

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".md": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** A file of the page, ready to be sent. */
export interface PageFile {
  type: string;
  etag: string;
  /** Whether its name changes with its content. */
  isImmutable: boolean;
  plain: Buffer;
  /** Undefined for a file that compression does not make smaller. */
  gzip: Buffer | undefined;
  brotli: Buffer | undefined;
}

/**
 * Reads the page's build into memory, so that a request names a key of a table and never a path of the disk.
 *
 * @returns The files by their path in the URL, `/index.html` also as `/`.
 * @throws BlockcloudError `CONSOLE_NOT_BUILT` if the folder holds no build, `CONSOLE_TOO_LARGE`.
 */
export function readPageFiles(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  let bytes = 0;
  for (const name of namesIn(folder)) {
    const content = readFileSync(path.join(folder, name));
    bytes += content.length;
    if (bytes > MAX_BYTES || files.size >= MAX_FILES) {
      throw new BlockcloudError("CONSOLE_TOO_LARGE", `${folder} is larger than the page.`, {
        remedy: "Name the folder that npm run build wrote: dist/console.",
      });
    }
    files.set(`/${name.replaceAll(path.sep, "/")}`, fileOf(name, content));
  }
  const index = files.get("/index.html");
  if (index === undefined) throw notBuilt(folder);
  // The server writes its own.
  files.delete("/config.json");
  return files.set("/", index);
}

function namesIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  } catch (cause) {
    throw notBuilt(folder, cause);
  }
}

function fileOf(name: string, plain: Buffer): PageFile {
  const gzip = gzipSync(plain, { level: 9 });
  const brotli = brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 9,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  });
  return {
    type: types[path.extname(name)] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`,
    isImmutable: name.startsWith("assets"),
    plain,
    gzip: gzip.length < plain.length ? gzip : undefined,
    brotli: brotli.length < plain.length ? brotli : undefined,
  };
}

function notBuilt(folder: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError("CONSOLE_NOT_BUILT", `${folder} holds no build of the console.`, {
    cause,
    remedy: "Run npm run build.",
  });
}
