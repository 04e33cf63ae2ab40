import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { plainParameters, type Parameters } from "../../ignition/parameters.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";

/** What an unfinished or finished deployment was begun with. */
export interface Begun {
  /** Hash of the chain's first block. */
  chain: string;
  parameters: ReturnType<typeof plainParameters>;
}

/** The files of one deployment in a folder: what it was begun with, Ignition's journal, its addresses. */
export class DeploymentFiles {
  readonly #folder: string;
  readonly #name: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  get deployment(): string {
    return path.join(this.#folder, "deployments", `${this.#name}.json`);
  }

  get journal(): string {
    return path.join(this.#folder, "ignition/deployments", this.#name);
  }

  get record(): string {
    return path.join(this.#folder, "ignition/deployments", `${this.#name}.parameters.json`);
  }

  /**
   * What an earlier run on this chain was given. Nothing is changed unless `setAside` asks for it.
   *
   * @param chain Hash of the chain's first block.
   * @throws BlockcloudError `DEPLOYMENT_OTHER_CHAIN` if the files are of another chain with the same ID,
   *   `DEPLOYMENT_RECORD_MISSING` if there is a deployment and nothing to go on from.
   */
  async begun(
    chain: string,
    options: { check: boolean; setAside: boolean; say: (line: string) => void },
  ): Promise<Begun | undefined> {
    const record = await this.#read();
    if (record?.chain === chain) return record;
    // A check needs the addresses only: whoever deployed has the journal.
    if (record === undefined && (options.check || !existsSync(this.deployment))) return undefined;
    const found = this.#present();
    if (options.setAside && !options.check) {
      options.say(`set aside in ${await this.#setAside(found)}: ${found.join(", ")}`);
      return undefined;
    }
    const remedy = options.check
      ? "Nothing was changed. Name the endpoint of the chain that was deployed to."
      : `Nothing was changed. Name the right endpoint; or give --set-aside to deploy anew: it moves ${found.join(", ")} to ${this.#aside()}, and deletes nothing.`;
    if (record !== undefined) {
      const message = `The deployment ${this.#name} was begun on the chain ${record.chain}, and the endpoint serves ${chain}.`;
      throw new BlockcloudError("DEPLOYMENT_OTHER_CHAIN", message, { remedy });
    }
    const message = `${this.deployment} is there, and ${this.record}, which a deployment goes on from, is not.`;
    throw new BlockcloudError("DEPLOYMENT_RECORD_MISSING", message, { remedy });
  }

  /** Writes what a deployment is begun with. */
  async keep(chain: string, parameters: Parameters): Promise<void> {
    await mkdir(path.dirname(this.record), { recursive: true });
    const begun: Begun = { chain, parameters: plainParameters(parameters) };
    await writeFile(this.record, `${JSON.stringify(begun, null, 2)}\n`);
  }

  async #read(): Promise<Begun | undefined> {
    if (!existsSync(this.record)) return undefined;
    return JSON.parse(await readFile(this.record, "utf8")) as Begun;
  }

  /** The record is the last to be moved: until then a run that was killed finds the same again. */
  #present(): string[] {
    return [this.deployment, this.journal, this.record].filter((file) => existsSync(file));
  }

  /** A folder that does not exist. */
  #aside(): string {
    for (let count = 1; ; count++) {
      const folder = path.join(
        this.#folder,
        "ignition/set-aside",
        `${this.#name}-${String(count)}`,
      );
      if (!existsSync(folder)) return folder;
    }
  }

  async #setAside(files: readonly string[]): Promise<string> {
    const folder = this.#aside();
    await mkdir(folder, { recursive: true });
    for (const file of files) await rename(file, path.join(folder, path.basename(file)));
    return folder;
  }
}
