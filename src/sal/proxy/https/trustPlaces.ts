import { execFile } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { BlockcloudError } from "../../../protocol/errors.ts";
import type { Root } from "./authority.ts";

const run = promisify(execFile);

/** Where a root certificate may be installed. */
export const trustPlaces = ["system", "browsers"] as const;
export type TrustPlace = (typeof trustPlaces)[number];

export interface TrustEnvironment {
  platform: NodeJS.Platform;
  home: string;
  /** The root of the file system; another one in tests. */
  root?: string;
  /** Runs a program; rejects if it is missing or fails. */
  run?: (file: string, args: readonly string[]) => Promise<unknown>;
}

/** Folder of the certificates that an administrator adds (update-ca-certificates(8)). */
const DEBIAN_FOLDER = "/usr/local/share/ca-certificates";
/** The database that Chromium reads on Linux. */
const NSS = ".pki/nssdb";

/**
 * Lets programs trust a root.
 *
 * @returns What was changed, for the user.
 * @throws BlockcloudError `PROXY_CA_PLACE`; nothing is trusted then.
 */
export async function installRoot(
  root: Root,
  place: TrustPlace,
  environment: TrustEnvironment,
): Promise<string> {
  if (place === "browsers") return installInNss(root, environment);
  const folder = debianFolder(environment);
  const file = path.join(folder, fileOf(root));
  await attempt(`${file} cannot be installed`, async () => {
    writeFileSync(file, root.certificate, { mode: 0o644 });
    try {
      await runIn(environment)("update-ca-certificates", []);
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
  });
  return `${file}, and what update-ca-certificates makes of it`;
}

/**
 * Lets programs no longer trust a root; without effect where it is not installed.
 *
 * @returns What was changed, for the user; undefined for nothing.
 * @throws BlockcloudError `PROXY_CA_PLACE`.
 */
export async function removeRoot(
  root: Root,
  place: TrustPlace,
  environment: TrustEnvironment,
): Promise<string | undefined> {
  if (!(await isInstalled(root, place, environment))) return undefined;
  if (place === "browsers") {
    const folder = path.join(environment.home, NSS);
    await attempt(`${folder} cannot be changed`, () =>
      runIn(environment)("certutil", ["-D", "-d", `sql:${folder}`, "-n", root.name]),
    );
    return folder;
  }
  const file = path.join(debianFolder(environment), fileOf(root));
  await attempt(`${file} cannot be removed`, async () => {
    rmSync(file);
    await runIn(environment)("update-ca-certificates", ["--fresh"]);
  });
  return file;
}

/** Whether a root is installed at a place. */
export async function isInstalled(
  root: Root,
  place: TrustPlace,
  environment: TrustEnvironment,
): Promise<boolean> {
  if (place === "system") {
    return existsSync(path.join(environment.root ?? "/", DEBIAN_FOLDER, fileOf(root)));
  }
  const folder = path.join(environment.home, NSS);
  if (!existsSync(folder)) return false;
  return runIn(environment)("certutil", ["-L", "-d", `sql:${folder}`, "-n", root.name]).then(
    () => true,
    // Without certutil it was not installed by this command.
    () => false,
  );
}

async function installInNss(root: Root, environment: TrustEnvironment): Promise<string> {
  const folder = path.join(environment.home, NSS);
  const certutil = runIn(environment);
  await attempt(`${folder} cannot be changed`, async () => {
    if (!existsSync(path.join(folder, "cert9.db"))) {
      const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
      try {
        await certutil("certutil", ["-N", "-d", `sql:${folder}`, "--empty-password"]);
      } catch (error) {
        if (made !== undefined) rmSync(made, { recursive: true });
        throw error;
      }
    }
    const file = path.join(folder, fileOf(root));
    writeFileSync(file, root.certificate, { mode: 0o644 });
    try {
      const added = ["-A", "-d", `sql:${folder}`, "-n", root.name, "-t", "C,,", "-i", file];
      await certutil("certutil", added);
    } finally {
      rmSync(file);
    }
  });
  return `${folder}, which Chromium and Chrome read`;
}

function debianFolder({ root = "/" }: TrustEnvironment): string {
  const folder = path.join(root, DEBIAN_FOLDER);
  if (existsSync(folder)) return folder;
  throw new BlockcloudError("PROXY_CA_PLACE", `This system has no ${DEBIAN_FOLDER}.`, {
    remedy:
      "Install the file that blockcloud proxy ca show names by the system's own means: on Fedora trust anchor FILE, " +
      "on macOS security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain FILE.",
  });
}

function fileOf({ fingerprint }: Root): string {
  return `blockcloud-${fingerprint.replaceAll(":", "").slice(0, 16).toLowerCase()}.crt`;
}

function runIn({ run: given }: TrustEnvironment): NonNullable<TrustEnvironment["run"]> {
  return given ?? ((file, args) => run(file, args));
}

async function attempt(what: string, body: () => Promise<unknown>): Promise<void> {
  try {
    await body();
  } catch (cause) {
    const { code, path: missing } = cause as NodeJS.ErrnoException;
    const isCertutil = code === "ENOENT" && missing === "certutil";
    throw new BlockcloudError("PROXY_CA_PLACE", `${what}: ${code ?? "it failed"}.`, {
      cause,
      remedy: isCertutil
        ? "Install certutil: it is in Debian's package libnss3-tools."
        : "Run the command as a user who may change it, for example with sudo and --state.",
    });
  }
}
