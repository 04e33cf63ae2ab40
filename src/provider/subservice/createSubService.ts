import { isAddressEqual, type Hex } from "viem";
import { ChainAccess, type ChainPace } from "../../chain/access.ts";
import { currentEpoch } from "../../chain/clock.ts";
import type { Deployment } from "../../chain/deployment.ts";
import { Services } from "../../chain/services.ts";
import { WhenReachable, withCheck } from "../../chain/whenReachable.ts";
import type { CoralOptions } from "../../coral/options.ts";
import { disposable, inOrder, late, type Worker } from "../../node/lifecycle.ts";
import { createMetrics } from "../../node/metrics.ts";
import { systemScheduler } from "../../node/scheduler.ts";
import { wallSeconds } from "../../node/timers.ts";
import { hexToBytes } from "../../protocol/bytes.ts";
import { checkTimes } from "../../protocol/checkRecord.ts";
import { readDelegation } from "../../protocol/delegation.ts";
import { HORIZON } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import { addressOfKey } from "../../protocol/signature.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import type { ProviderEnvironment } from "../createProviders.ts";
import { AgentHandoff } from "../handoff/agentHandoff.ts";
import { handedFront, type HandedFront } from "../handoff/handedFront.ts";
import type { TakeOver } from "../handoff/takeOver.ts";
import { ProviderMetrics } from "../metrics.ts";
import { subServiceStoreFile } from "./localDevice.ts";
import { closedAfter } from "../pay/createPay.ts";
import { createOwnPay, type OwnPaySettings } from "../pay/ownPay.ts";
import { createGround, createPresence, type PresenceOptions } from "../publish/presence.ts";

export interface SubServiceOptions extends Omit<
  PresenceOptions,
  "storeFile" | "pay" | "inherited" | "elsewhere"
> {
  deployment: Deployment;
  /** The node of the record network. */
  coral: CoralOptions;
  /** The preferred RPC endpoint, then its fallbacks. */
  rpcUrls: readonly string[];
  /** The polling of the head. */
  pace?: ChainPace | undefined;
  /** Folder of the worker's state. */
  stateDir: string;
  /** How it is paid; by default it costs nothing, and sends no transaction. */
  pay?: OwnPaySettings | undefined;
}

/**
 * A device's agent: a gateway and a record under the root's delegation. Without a price it reads the chain, and sends
 * no transaction, so it needs no ether. With a price it takes tabs of its root.
 *
 * @throws BlockcloudError `SUBSERVICE_KEY` if the key is not the one in the sub-service's ID. At its start:
 *   `DELEGATION_MALFORMED`, `DELEGATION_SIGNER`, `DELEGATION_EXPIRED`, `DELEGATION_AHEAD`; for options that cannot be
 *   right `GATEWAY_OPTIONS`, `SAL_OPTIONS`, `PAYMENT_OPTIONS`; as `AgentHandoff.take`.
 */
export function createSubService(
  options: SubServiceOptions,
  environment: ProviderEnvironment,
): Worker {
  const { deployment, serviceId, key, delegation } = options;
  const { timers, log, metrics: registry = createMetrics("subservice") } = environment;
  const { prefix, self } = parseServiceId(serviceId);
  checkSubServiceKey(serviceId, key);
  const metrics = new ProviderMetrics(registry).of(serviceId);
  const chain = new ChainAccess(options, { timers, log, metrics: registry });
  const ground = createGround(options, { chain, timers, log, registry });
  const { stateDir } = options;
  const handoff: AgentHandoff | undefined =
    environment.handoff &&
    new AgentHandoff({
      process: environment.handoff,
      services: () => (front.parts === undefined ? [] : [front.parts.handoff]),
      stopDuties: () => onChain.stopRest(),
      hasChain: () => chain.time.isKnown,
      domain: blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry),
      now: () => wallSeconds() * 1000,
      ...{ clock: systemScheduler, log },
    });
  const make = (before: TakeOver | undefined) => {
    const pay =
      options.pay &&
      createOwnPay(
        { number: prefix, serviceKey: key, pay: options.pay },
        { deployment, chain, timers, now: ground.now, stateDir },
        log,
        metrics.pay,
      );
    const terms = {
      ...{ ...options, pay, storeFile: subServiceStoreFile(stateDir, deployment, self) },
      ...{ inherited: before?.inherited(serviceId), elsewhere: before },
    };
    const presence = createPresence(terms, ground, { log, metrics });
    return {
      handoff: presence.handoff,
      front: pay === undefined ? presence.front : closedAfter(presence.front, pay),
      tasks: inOrder(presence.publisher(undefined), pay?.tasks ?? inOrder()),
    };
  };
  const front: HandedFront<ReturnType<typeof make>> = handedFront(
    handoff,
    { serviceId, keys: [hexToBytes(key)] },
    make,
  );
  const check = () => checkDelegation(chain, options, { number: prefix, serviceId, delegation });
  const onChain: WhenReachable = new WhenReachable(
    { waits: options.pay === undefined ? ["record"] : ["record", "pay"] },
    {
      chain: withCheck(chain, check),
      always: front,
      rest: inOrder(
        ground.parts,
        late(() => front.parts?.tasks ?? inOrder()),
      ),
      ...{ timers, log, metrics: registry, fail: environment.fail },
    },
  );
  return disposable(onChain);
}

/** @throws BlockcloudError `SUBSERVICE_KEY` if the key is not the one in the sub-service's ID. */
export function checkSubServiceKey(serviceId: Hex, key: Hex): void {
  const { self } = parseServiceId(serviceId);
  const address = addressOfKey(key);
  if (isAddressEqual(address, self)) return;
  throw new BlockcloudError(
    "SUBSERVICE_KEY",
    `${serviceId} belongs to key ${self}, but the given key is ${address}.`,
    {
      remedy: "Give the key for which the sub-service was added.",
    },
  );
}

/**
 * Checks the delegation at the start, because the network would refuse each record.
 *
 * @throws BlockcloudError `DELEGATION_MALFORMED`, `DELEGATION_SIGNER`, `DELEGATION_EXPIRED`, `DELEGATION_AHEAD`.
 */
export async function checkDelegation(
  { client, time }: ChainAccess,
  { deployment }: { deployment: Deployment },
  input: { number: bigint; serviceId: Hex; delegation: Hex },
): Promise<void> {
  const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
  const { delegation, signer } = readDelegation(input.serviceId, input.delegation, domain);
  checkTimes("DELEGATION", delegation, time.now() * 1000);
  const services = new Services(client, deployment);
  const rootKey = await services.key(input.number, currentEpoch(time) + HORIZON);
  if (isAddressEqual(signer, rootKey)) return;
  throw new BlockcloudError("DELEGATION_SIGNER", `Delegated by ${signer}, not by ${rootKey}.`, {
    remedy: "Ask the root service's owner for a delegation by its newest key.",
  });
}
