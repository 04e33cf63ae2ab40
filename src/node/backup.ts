import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { databaseFault, fileFault, isOnReadOnly, whyOf } from "./fileFault.ts";
import { ensureFolder } from "./folder.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { isLockFile } from "./lock.ts";

/** The format of a backup: a database in one file, written completely or not at all. */
const FORMAT = 1;
/** Size limit of a file in a state folder, bytes. */
const MAX_FILE = 512 * 1024 ** 2;

/** Names of workers' files: relative paths below the state folder. */
const NAME = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/;

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  createdAt: z.iso.datetime(),
  files: z
    .array(
      z.strictObject({
        name: z.string().regex(NAME),
        size: z.number().int().nonnegative().max(MAX_FILE),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(10_000),
});

/** The metadata of a backup. */
export type Manifest = z.infer<typeof manifestSchema>;

/**
 * Copies a state folder into one file. SQLite copies the databases, so the copy is consistent even while a worker
 * writes. Keys are not part of the state and are not copied.
 *
 * @param file Must not exist; it will be readable only by its owner.
 * @throws BlockcloudError `BACKUP_EXISTS`, `STATE_MISSING`, `STATE_FOREIGN`,
 * `BACKUP_TOO_LARGE`.
 */
export function createBackup(stateDir: string, file: string, now: Date): Manifest {
  if (existsSync(file)) {
    throw new BlockcloudError("BACKUP_EXISTS", `${file} exists.`, {
      remedy: "It is not overwritten: name another file.",
    });
  }
  if (!existsSync(stateDir)) {
    throw new BlockcloudError("STATE_MISSING", `There is no state in ${stateDir}.`, {
      remedy: "Name the worker's --state folder.",
    });
  }
  const names = stateFiles(stateDir);
  const foreign = names.find((name) => !NAME.test(name));
  if (foreign !== undefined || !path.relative(stateDir, file).startsWith("..")) {
    const what = foreign === undefined ? "would hold the backup itself" : `holds ${foreign}`;
    throw new BlockcloudError("STATE_FOREIGN", `${stateDir} ${what}, which no worker wrote.`, {
      remedy: "Remove all files except the workers' state.",
    });
  }
  const work = workFolder(file);
  try {
    const unfinished = path.join(work, "backup.sqlite");
    writeFileSync(unfinished, "", { mode: 0o600 });
    const backup = new DatabaseSync(unfinished);
    try {
      backup.exec(
        "PRAGMA synchronous=FULL; CREATE TABLE content (name TEXT PRIMARY KEY, bytes BLOB)",
      );
      const insert = backup.prepare("INSERT INTO content VALUES (?, ?)");
      const files = names.map((name) => {
        const copy = path.join(work, "copy");
        copyOf(path.join(stateDir, name), copy, work);
        const bytes = readFileSync(copy);
        rmSync(copy);
        if (bytes.length > MAX_FILE) {
          throw new BlockcloudError("BACKUP_TOO_LARGE", `${name} has ${bytes.length} bytes.`, {
            remedy: `The limit is ${MAX_FILE} bytes: move the file out of the state folder.`,
          });
        }
        insert.run(`file:${name}`, bytes);
        return { name, size: bytes.length, sha256: sha256(bytes) };
      });
      const manifest: Manifest = { format: FORMAT, createdAt: now.toISOString(), files };
      insert.run("manifest", Buffer.from(JSON.stringify(manifest)));
      backup.close();
      toDisk(unfinished);
      renameSync(unfinished, file);
      return manifest;
    } catch (error) {
      throw faultOf(error, unfinished) ?? error;
    } finally {
      if (backup.isOpen) backup.close();
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** A folder in the target's folder, so that the last step is a rename within one file system. */
function workFolder(file: string): string {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    return mkdtempSync(path.join(path.dirname(file), ".backup-"));
  } catch (cause) {
    const why = isOnReadOnly(file) ? "the file system is read-only" : whyOf(cause);
    throw new BlockcloudError("BACKUP_UNWRITABLE", `${file} cannot be written: ${why}.`, {
      cause,
      remedy: "Name a file in a folder that this user may write to.",
    });
  }
}

/**
 * Writes a backup's files into a state folder without state.
 *
 * @throws BlockcloudError `BACKUP_DAMAGED` if the file is not a backup or its checksums are wrong; `STATE_EXISTS` if
 * the folder has state already: it may be newer, and replacing it by older state can cost stake.
 */
export function restoreBackup(file: string, stateDir: string): Manifest {
  const { manifest, contents } = readBackup(file);
  const present = existsSync(stateDir) ? stateFiles(stateDir) : [];
  if (present.length > 0) {
    throw new BlockcloudError(
      "STATE_EXISTS",
      `${stateDir} contains state already: ${present.join(", ")}.`,
      {
        remedy:
          "It may be newer than the backup. Restore into another folder, or move this one away.",
      },
    );
  }
  for (const { name } of manifest.files) {
    const target = path.join(stateDir, name);
    ensureFolder(path.dirname(target));
    const part = `${target}.part`;
    writeFileSync(part, contents.get(name) ?? Buffer.alloc(0), { mode: 0o600 });
    toDisk(part);
    renameSync(part, target);
  }
  return manifest;
}

function readBackup(file: string): { manifest: Manifest; contents: Map<string, Uint8Array> } {
  const damaged = (cause?: unknown) =>
    new BlockcloudError("BACKUP_DAMAGED", `${file} is not a backup, or is damaged.`, {
      cause,
      remedy: "Use another backup.",
    });
  if (!existsSync(file)) throw damaged();
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    const select = database.prepare("SELECT bytes FROM content WHERE name = ?");
    const bytesOf = (name: string) => {
      const bytes = select.get(name)?.bytes;
      if (!(bytes instanceof Uint8Array)) throw new Error(`${name} is missing`);
      return bytes;
    };
    const text = new TextDecoder().decode(bytesOf("manifest"));
    const manifest = manifestSchema.parse(JSON.parse(text));
    const contents = new Map<string, Uint8Array>();
    for (const { name, size, sha256: sum } of manifest.files) {
      const bytes = bytesOf(`file:${name}`);
      if (bytes.length !== size || sha256(bytes) !== sum) throw new Error(`${name} is damaged`);
      contents.set(name, bytes);
    }
    return { manifest, contents };
  } catch (cause) {
    throw damaged(cause);
  } finally {
    database?.close();
  }
}

/** The files of a state folder that a backup contains, by their relative paths. */
function stateFiles(stateDir: string): string[] {
  const entries = readdirSync(stateDir, { recursive: true, withFileTypes: true });
  // A part of the state may have been moved to another disk. A backup without it would look whole.
  const link = entries.find((entry) => entry.isSymbolicLink());
  if (link !== undefined) {
    const name = path.relative(stateDir, path.join(link.parentPath, link.name));
    throw new BlockcloudError("STATE_FOREIGN", `${stateDir} holds the symbolic link ${name}.`, {
      remedy: "Put the file or folder itself there, or mount its file system there.",
    });
  }
  return entries
    .filter((entry) => entry.isFile() && !isLockFile(entry.name) && !entry.name.endsWith(".key"))
    .map((entry) => path.relative(stateDir, path.join(entry.parentPath, entry.name)))
    .filter((name) => !/\.sqlite-(wal|shm|journal)$/.test(name))
    .sort();
}

function copyOf(source: string, target: string, work: string): void {
  if (!source.endsWith(".sqlite")) {
    copyFileSync(source, target);
    return;
  }
  if (isOnReadOnly(source)) {
    // No process writes to it, and SQLite cannot open it read-only: unmerged changes are in the -wal file.
    const copied = path.join(work, "read-only.sqlite");
    for (const suffix of ["", "-wal"]) {
      if (existsSync(source + suffix)) copyFileSync(source + suffix, copied + suffix);
    }
    vacuumInto(copied, target);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(copied + suffix, { force: true });
  } else vacuumInto(source, target);
}

function vacuumInto(source: string, target: string): void {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(source);
    database.exec("PRAGMA busy_timeout=5000");
    database.prepare("VACUUM INTO ?").run(target);
  } catch (error) {
    // Whichever of the two has no room.
    const full = [source, target].map((file) => faultOf(error, file));
    throw full.find((fault) => fault?.code === "STORE_FULL") ?? full[0] ?? error;
  } finally {
    database?.close();
  }
}

function faultOf(error: unknown, file: string): BlockcloudError | undefined {
  const { errcode } = error as { errcode?: number };
  return errcode === undefined ? fileFault(error) : databaseFault(error as Error, file, errcode);
}

function toDisk(file: string): void {
  const descriptor = openSync(file, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
