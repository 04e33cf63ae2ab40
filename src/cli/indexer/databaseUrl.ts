import { readSecretFile } from "../../node/secretFile.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/** The variable that holds the URL. */
export const DATABASE_URL = "BLOCKCLOUD_DATABASE_URL";

/**
 * The URL of the Postgres database, from a file or the environment; undefined for PGlite.
 *
 * @throws BlockcloudError `DATABASE_URL_INVALID`, without the URL, which holds a password; `KEY_…` of the file.
 */
export function readDatabaseUrl(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const given = file === undefined ? env[DATABASE_URL] : readSecretFile(file, "database URL");
  const url = given?.trim();
  if (url === undefined || url === "") return undefined;
  if (/^postgres(ql)?:\/\/\S{1,2000}$/.test(url) && URL.canParse(url)) return url;
  const where = file ?? `$${DATABASE_URL}`;
  throw new BlockcloudError("DATABASE_URL_INVALID", `${where} is not the URL of a database.`, {
    remedy: "Give postgres://user:password@host:port/database.",
  });
}
