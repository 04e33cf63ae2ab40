import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import type { Address, Hex } from "viem";
import type { Deployment } from "../../chain/deployment.ts";
import { readSecretFile, writeSecretFile } from "../../node/secretFile.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { ensureFolder } from "../../node/folder.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/**
 * The salt of a commitment to a label, on disk until the label is taken. Without its salt, a commitment that was
 * sent is lost.
 */
export class LabelSalt {
  readonly #file: string;

  /** @param state Folder of the workers' state. */
  constructor(state: string, deployment: Deployment, owner: Address, label: string) {
    const { chainId, contracts } = deployment;
    const name = `${chainId}-${contracts.registry}-${owner}-${label}.salt`;
    this.#file = path.join(state, "labels", name);
  }

  /** Whether there is a salt of an earlier run. */
  get exists(): boolean {
    return existsSync(this.#file);
  }

  /**
   * The salt of an earlier run, or a new one.
   *
   * @throws BlockcloudError `SALT_DAMAGED`.
   */
  take(): Hex {
    if (this.exists) {
      const salt = readSecretFile(this.#file, "salt").trim();
      if (/^0x[0-9a-f]{64}$/.test(salt)) return salt as Hex;
      throw new BlockcloudError("SALT_DAMAGED", `${this.#file} contains no valid salt.`, {
        remedy: "Remove it, and run again: the command makes a new commitment.",
      });
    }
    ensureFolder(path.dirname(this.#file));
    const salt = bytesToHex(randomBytes(32));
    writeSecretFile(this.#file, `${salt}\n`);
    return salt;
  }

  /** Removes the salt after the label is taken. */
  forget(): void {
    rmSync(this.#file, { force: true });
  }
}
