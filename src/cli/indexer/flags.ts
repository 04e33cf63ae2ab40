import { file, list, text, toggle } from "../framework/flag.ts";
import { anyText, portOrHostAndPort, refine } from "../framework/values.ts";

const origin = refine((value) => {
  if (value === "*") return value;
  return URL.canParse(value) && new URL(value).origin === value ? value : undefined;
}, "Give an origin, for example https://console.example, or * for all.");

/** The address of the HTTP server. */
export const listen = text(
  "--listen <host:port>",
  "address at which queries are answered; :port is loopback",
  portOrHostAndPort,
  { env: "BLOCKCLOUD_INDEXER_LISTEN", config: "indexer.listen", default: "127.0.0.1:8070" },
);

/** The Postgres server: never an argument, because it holds a password. */
export const databaseUrlFile = file(
  "--database-url-file <path>",
  "file with the URL of a Postgres database, mode 600 (default: $BLOCKCLOUD_DATABASE_URL, or PGlite)",
  anyText,
  { config: "indexer.databaseUrlFile" },
);

/** Web pages that may read. */
export const allowOrigin = list(
  "--allow-origin <origin...>",
  "origins of web pages that may read, besides those on loopback; * for all",
  origin,
  { env: "BLOCKCLOUD_INDEXER_ORIGINS", config: "indexer.allowOrigin" },
);

/** SQL over HTTP. */
export const sql = toggle(
  "--sql",
  "answer SQL at /sql/db, too, with Postgres: for clients that you trust",
  {
    config: "indexer.sql",
  },
);
