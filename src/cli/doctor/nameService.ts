import { readdirSync, readFileSync } from "node:fs";
import { lookup, Resolver } from "node:dns/promises";

/** What a query gave: addresses, or the code of its error. */
export type Looked = { addresses: readonly string[] } | { code: string };

/** How this system finds the addresses of names. */
export interface NameService {
  platform: NodeJS.Platform;
  /** Asks as most programs do, with getaddrinfo. */
  lookup(name: string): Promise<Looked>;
  /** Asks one name server for A records. */
  ask(server: { host: string; port: number }, name: string): Promise<Looked>;
  /** A file's text; undefined if it cannot be read. */
  read(file: string): string | undefined;
  /** The version of systemd that is installed; undefined if there is none. */
  systemd(): number | undefined;
}

/** Of this host. */
export const hostNameService: NameService = {
  platform: process.platform,
  lookup: (name) =>
    looked(async () => (await lookup(name, { all: true })).map(({ address }) => address)),
  ask: ({ host, port }, name) =>
    looked(() => {
      const resolver = new Resolver({ timeout: 2_000, tries: 1 });
      resolver.setServers([`${host}:${port}`]);
      return resolver.resolve4(name);
    }),
  read: (file) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      // A system without the file is one of those that are told apart.
      return undefined;
    }
  },
  systemd: () => {
    for (const folder of ["/usr/lib/systemd", "/lib/systemd"]) {
      for (const file of filesOf(folder)) {
        const [, version] = /^libsystemd-shared-(\d+)/.exec(file) ?? [];
        if (version !== undefined) return Number(version);
      }
    }
    return undefined;
  },
};

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).map(
      (file) => file.split("/").at(-1) ?? "",
    );
  } catch {
    return [];
  }
}

async function looked(run: () => Promise<string[]>): Promise<Looked> {
  try {
    return { addresses: await run() };
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? "failed" };
  }
}
