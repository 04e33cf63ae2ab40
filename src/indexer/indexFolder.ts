import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Deployment } from "../chain/deployment.ts";

const GENERATION = "generation";

/** The folder of an index, with its database by generation. */
export class IndexFolder {
  readonly path: string;
  #generation = 0;

  private constructor(folder: string) {
    this.path = folder;
  }

  /** Opens it, and writes the checked deployment there for Ponder. */
  static async open(folder: string, deployment: Deployment): Promise<IndexFolder> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const opened = new IndexFolder(folder);
    await writeFile(opened.deployment, JSON.stringify(deployment));
    const text = await opened.#read(GENERATION);
    opened.#generation = /^\d{1,6}$/.test(text ?? "") ? Number(text) : 0;
    return opened;
  }

  /** Rises with each database that was set aside. */
  get generation(): number {
    return this.#generation;
  }

  /** The deployment file. */
  get deployment(): string {
    return path.join(this.path, "deployment.json");
  }

  /** Where PGlite keeps this generation's tables. */
  get database(): string {
    return path.join(this.path, `pglite-${this.#generation}`);
  }

  /** Begins a new database; the old one is kept. */
  async setAside(): Promise<void> {
    this.#generation += 1;
    await writeFile(path.join(this.path, GENERATION), String(this.#generation));
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(path.join(this.path, name), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
}
