import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { Hex } from "viem";
import { checkChain } from "../../chain/client.ts";
import { readMoment } from "../../chain/views/contracts.ts";
import { ensureFolder } from "../../node/folder.ts";
import { findKey, parseKey } from "../../node/keys.ts";
import { WorkerLock } from "../../node/lock.ts";
import { writeSecretFile } from "../../node/secretFile.ts";
import { bytesToHex } from "../../protocol/bytes.ts";
import { epochAt, HORIZON } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { encodeProbe, parseProbe, requestLine, type ProbeInput } from "../../protocol/probe.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { askPassword } from "../framework/prompt.ts";
import { passwordOf } from "../framework/resolve.ts";
import { createSenders } from "../framework/transactCommand.ts";
import { DryRun } from "../framework/transactor.ts";
import { workerLock } from "../framework/worker.ts";
import { runOne } from "../provider/agent.ts";
import { registerService } from "../service/registration.ts";
import { exitCodes } from "../framework/exitCodes.ts";
import { ExposedStore, exposedKeyFile } from "./exposedStore.ts";
import type { RootContext } from "./flags.ts";
import { tellIfSilent } from "./localServer.ts";
import { measuredProbe } from "./measuredProbe.ts";
import { placeOf } from "./place.ts";
import { portsOf } from "./subService.ts";
import { tellVisitorsNeeds } from "./visitor.ts";

interface Root {
  number: bigint;
  /** The epoch from which auditors inspect it at the latest; undefined if it is not known. */
  auditedFrom?: number | undefined;
}

/**
 * Runs the port as a root service: the one that is named, the one that an earlier run registered, or a new one.
 *
 * @throws BlockcloudError `EXPOSE_UNREACHABLE`, `EXPOSE_PROBE`, `KEY_MISSING`, `WORKER_RUNNING`; as `registerService`.
 */
export async function exposeRoot(context: RootContext): Promise<number> {
  const { args, flags, deployment, output } = context;
  const place = placeOf(flags, deployment);
  const noted = ExposedStore.read(flags.state, deployment, args.port);
  const number = flags.service ?? noted?.number;
  let root: Root;
  if (number === undefined) {
    try {
      root = await registered(context);
    } catch (error) {
      if (error instanceof DryRun) return exitCodes.ok;
      throw error;
    }
  } else {
    const auditedFrom = number === noted?.number ? (noted.auditedFrom ?? undefined) : undefined;
    root = { number, auditedFrom };
  }
  if (flags.dryRun) {
    output.print(
      { number: Number(root.number), already: true },
      `nothing to send: service ${root.number} is registered`,
    );
    return exitCodes.ok;
  }
  const serviceKey = await keyOf(context);
  const id = rootServiceId(root.number);
  const { auditedFrom } = root;
  await tellIfSilent(context);
  tellVisitorsNeeds(context, id, {
    lines: [
      `number       ${root.number}`,
      auditText(auditedFrom, epochAt(deployment, context.io.now() / 1000)),
    ],
    json: { number: Number(root.number), auditedFrom },
  });
  return runOne(
    {
      ...flags,
      ...{ service: root.number, serviceKey },
      upstream: new URL(`http://127.0.0.1:${args.port}`),
      ...{ listen: place.listen, relays: place.relays, ports: portsOf(context) },
    },
    deployment,
  );
}

/**
 * Says from when on auditors inspect the service.
 *
 * @param epoch By this host's clock: the chain may not be reachable.
 */
export function auditText(auditedFrom: number | undefined, epoch: number): string {
  if (auditedFrom !== undefined && auditedFrom <= epoch) return "auditors inspect it";
  const from =
    auditedFrom === undefined ? "the second epoch after its registration" : `epoch ${auditedFrom}`;
  return `auditors inspect it from ${from} on; clients use it at once`;
}

/** Registers the port's service, or finds the one that an interrupted run has registered. */
async function registered(context: RootContext): Promise<Root> {
  const { args, flags, client, deployment, progress, signal } = context;
  const { port } = args;
  await checkChain(client, deployment);
  // The agent takes the same lock: no other process registers or sends meanwhile.
  const lock = flags.dryRun
    ? undefined
    : WorkerLock.take(workerLock(flags.state, deployment, flags.walletKey));
  try {
    const earlier = ExposedStore.read(flags.state, deployment, port);
    if (earlier?.number !== undefined) return { number: earlier.number };
    const probe = flags.probe ?? (await measuredProbe(port, flags.class, signal));
    const serviceKey = await keyOf(context, true);
    const senders = await createSenders(flags.walletKey, flags, context);
    const note = <T>(use: (store: ExposedStore) => T) =>
      ExposedStore.use(flags.state, deployment, use);
    const { class: className, stake, metadata } = flags;
    const { number, already } = await registerService(
      { ...context, ...senders },
      { class: className, stake, metadata, probe, belowMinimum: false, serviceKey },
      {
        earlier,
        before: (attempt) => {
          note((store) => {
            store.attempt(port, attempt);
          });
        },
        outcome: [`auditors inspect it by ${requestsOf(probe)}`],
      },
    );
    const { epoch } = await readMoment(client, deployment);
    const auditedFrom = epoch + HORIZON;
    if (!flags.dryRun) {
      const own = { owner: senders.transactor.account, key: addressOfKey(serviceKey), since: 0n };
      note((store) => {
        store.registered(port, { ...own, number, auditedFrom });
      });
    }
    progress.say(
      `service ${number} ${already ? "was registered by an earlier run" : "is registered"}`,
    );
    return { number, auditedFrom };
  } finally {
    lock?.release();
  }
}

function requestsOf(probe: ProbeInput): string {
  return parseProbe(encodeProbe(probe)).requests.map(requestLine).join(", ");
}

/**
 * The service's key: the one that is given, or the one of the port in the state folder.
 *
 * @param isNew Whether one may be made. A dry run makes one that is not kept.
 */
async function keyOf(context: RootContext, isNew = false): Promise<Hex> {
  const { args, flags, deployment, io, progress, signal } = context;
  if (flags.serviceKey !== undefined) return flags.serviceKey;
  const file = exposedKeyFile(flags.state, deployment, args.port);
  if (existsSync(file)) {
    const ask = (question: string) => askPassword(io, question, signal);
    const password = passwordOf(flags.passwordFile, io, ask);
    return findKey({ file, variable: "", env: {} }).unlock(password);
  }
  if (!isNew) {
    throw new BlockcloudError("KEY_MISSING", `There is no key of the service in ${file}.`, {
      remedy: "Give --service-key-file with the key that it was registered with.",
    });
  }
  const key = parseKey(bytesToHex(randomBytes(32)), "the generator");
  if (flags.dryRun) return key;
  ensureFolder(flags.state);
  writeSecretFile(file, `${key}\n`);
  progress.say(
    `new service key: ${file}, not encrypted. Back it up: backup create leaves keys out.`,
  );
  return key;
}
