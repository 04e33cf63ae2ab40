import {
  chownSync,
  statSync,
  existsSync,
  readFileSync,
  rmSync,
  writeFileSync,
  renameSync,
} from "node:fs";
import path from "node:path";
import { ensureFolder } from "../../../node/folder.ts";
import { readSecretFile } from "../../../node/secretFile.ts";
import { BlockcloudError } from "../../../protocol/errors.ts";
import { Authority, createAuthority, rootOf, type Root } from "./authority.ts";

/** Where the authority of a state folder is. */
export interface AuthorityPlaces {
  root: string;
  issuer: string;
  /** Mode 600. */
  key: string;
}

export function authorityPlaces(stateDir: string): AuthorityPlaces {
  const file = (name: string) => path.join(stateDir, `proxy-ca-${name}`);
  return { root: file("root.crt"), issuer: file("issuer.crt"), key: file("issuer.key") };
}

/**
 * The authority of a state folder, which is created if there is none. Nothing trusts it before it is installed.
 *
 * @param nowMs Unix milliseconds.
 * @throws BlockcloudError `PROXY_CA`, `PROXY_CA_EXPIRED`; `KEY_FILE_OPEN` if others may read the key;
 *   `STATE_UNUSABLE`.
 */
export function openAuthority(stateDir: string, nowMs: number): Authority {
  const places = authorityPlaces(stateDir);
  if (!existsSync(places.root)) create(stateDir, places, nowMs);
  const authority = new Authority({
    root: readText(places.root),
    issuer: readText(places.issuer),
    key: readSecretFile(places.key, "key"),
  });
  if (authority.until > nowMs) return authority;
  throw new BlockcloudError("PROXY_CA_EXPIRED", "The proxy's authority has expired.", {
    remedy: "Run blockcloud proxy ca remove, then install: a new authority is made.",
  });
}

/**
 * The root of a state folder, also of an authority that cannot be used any more.
 *
 * @throws BlockcloudError `PROXY_CA`.
 */
export function readRoot(stateDir: string): Root {
  const certificate = readText(authorityPlaces(stateDir).root);
  try {
    return rootOf(certificate);
  } catch (cause) {
    throw new BlockcloudError("PROXY_CA", "The root of the proxy's authority is damaged.", {
      cause,
      remedy: "Remove the files proxy-ca-* of the state folder.",
    });
  }
}

/** Deletes the files of the authority, the key first. */
export function deleteAuthority(stateDir: string): void {
  const { root, issuer, key } = authorityPlaces(stateDir);
  for (const file of [key, issuer, root]) rmSync(file, { force: true });
}

/** The root's file comes last: while it is missing, there is no authority. */
function create(stateDir: string, { root, issuer, key }: AuthorityPlaces, nowMs: number): void {
  ensureFolder(stateDir);
  const files = createAuthority(nowMs);
  put(key, files.key, 0o600);
  put(issuer, files.issuer, 0o644);
  put(root, files.root, 0o644);
}

function put(file: string, text: string, mode: number): void {
  const part = `${file}.${process.pid}.new`;
  writeFileSync(part, text, { mode, flag: "wx", flush: true });
  // `sudo blockcloud proxy ca install` must not make files that the user's proxy cannot read.
  if (process.getuid?.() === 0) {
    const { uid, gid } = statSync(path.dirname(file));
    chownSync(part, uid, gid);
  }
  renameSync(part, file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new BlockcloudError("PROXY_CA", `${file} cannot be read.`, {
      cause,
      remedy: "Run blockcloud proxy ca remove, then install: a new authority is made.",
    });
  }
}
