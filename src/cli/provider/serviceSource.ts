import { createHash } from "node:crypto";
import type { Hex } from "viem";
import { findKey } from "../../node/keys.ts";
import { readSecretFile } from "../../node/secretFile.ts";
import type { ServiceKeys, ServicePlan, ServiceSource } from "../../provider/fleet/plan.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { CliIo } from "../framework/io.ts";
import { askPassword, passwordMissing } from "../framework/prompt.ts";
import { passwordOf } from "../framework/resolve.ts";
import { Problems } from "../framework/settings.ts";
import { gatewayLimits } from "./gatewayFlags.ts";
import { paySettings } from "./payFlags.ts";
import { relaySettings } from "./relayFlags.ts";
import { salLimitsOf } from "./salFlags.ts";
import { replicaSettings } from "./replicaFlags.ts";
import { readServices, type ServiceEntry } from "./servicesFile.ts";

/** The services of an agent, from their file. */
export class FileSource implements ServiceSource {
  readonly #file: string;
  readonly #passwordFile: string | undefined;
  readonly #allowLoopback: boolean;
  readonly #io: CliIo;
  readonly #signal: AbortSignal;
  #isFirst = true;
  /** Keys are opened one after another: each may need a question at the terminal. */
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param options.passwordFile The password of encrypted keys.
   * @param options.allowLoopback Whether payments over plain HTTP from this host are taken.
   */
  constructor(
    options: { file: string; passwordFile: string | undefined; allowLoopback: boolean },
    dependencies: { io: CliIo; signal: AbortSignal },
  ) {
    this.#file = options.file;
    this.#passwordFile = options.passwordFile;
    this.#allowLoopback = options.allowLoopback;
    this.#io = dependencies.io;
    this.#signal = dependencies.signal;
  }

  read(): Promise<ServicePlan[]> {
    const problems = new Problems();
    const entries = readServices(this.#file, this.#io, problems);
    problems.raise();
    const mayAsk = this.#isFirst;
    this.#isFirst = false;
    return Promise.resolve(entries.map((entry) => this.#planOf(entry, mayAsk)));
  }

  /** @param mayAsk Only at the start, and once: later no user waits at the terminal. */
  #planOf(entry: ServiceEntry, mayAsk: boolean): ServicePlan {
    const { service: number, upstream, listen, endpoint, ports, drain, settleEvery } = entry;
    let isFirst = true;
    const gateway = gatewayLimits(entry);
    return {
      settings: {
        ...{ number, upstream, listen, gateway, settleEvery },
        endpoint: endpoint?.href,
        replica: replicaSettings(entry),
        ports,
        sal: salLimitsOf(entry),
        relay: relaySettings(entry),
        graceMs: drain,
        pay: paySettings(entry, this.#allowLoopback),
      },
      // A new certificate in an old file is a change, too.
      fingerprint: JSON.stringify([entry, gateway.upstreamCa], plainly),
      keyFingerprint: keyFingerprint(entry),
      keys: () => {
        const asks = mayAsk && isFirst;
        isFirst = false;
        const next = this.#turn.then(() => this.#open(entry, asks));
        this.#turn = next.catch(() => undefined);
        return next;
      },
    };
  }

  async #open(entry: ServiceEntry, asks: boolean): Promise<ServiceKeys> {
    const ask = (question: string) =>
      asks
        ? askPassword(this.#io, question, this.#signal)
        : Promise.reject(passwordMissing(question));
    const password = passwordOf(this.#passwordFile, this.#io, ask);
    const open = (file: string) => findKey({ file, variable: "", env: {} }).unlock(password);
    const serviceKey = await open(entry.serviceKeyFile);
    const previousKeys: Hex[] = [];
    for (const file of entry.previousServiceKeyFiles ?? []) previousKeys.push(await open(file));
    return { serviceKey, previousKeys };
  }
}

/** JSON has no integers of any length. */
function plainly(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/**
 * A digest of the key files, so that a new key in an old file counts as a change. Undefined if one of them cannot be
 * read: a service that runs keeps its keys, and a service that starts reports the error.
 */
function keyFingerprint(entry: ServiceEntry): string | undefined {
  const digest = createHash("sha256");
  try {
    for (const file of [entry.serviceKeyFile, ...(entry.previousServiceKeyFiles ?? [])])
      digest.update(JSON.stringify(readSecretFile(file, "key")));
  } catch (error) {
    if (error instanceof BlockcloudError) return undefined;
    throw error;
  }
  return digest.digest("hex");
}
