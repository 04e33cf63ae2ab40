import type { Announcements } from "../../chain/announcements.ts";
import type { Challenges } from "../../chain/challenges.ts";
import type { ChainClient } from "../../chain/client.ts";
import type { ChainTime } from "../../chain/clock.ts";
import type { Services } from "../../chain/services.ts";
import type { TransactionSender } from "../../chain/transactions/sender.ts";
import { inOrder, type Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import { ChallengeResponder } from "../duties/challengeResponder.ts";
import { Settler } from "../duties/settler.ts";
import { StatusWatch } from "../duties/statusWatch.ts";
import type { ServiceMetrics } from "../metrics.ts";
import { Provider } from "../provider.ts";
import { Announcer } from "../publish/announcer.ts";
import type { TakeOver } from "../handoff/takeOver.ts";
import type { Collectors } from "../pay/collectors.ts";
import { closedAfter, createPay } from "../pay/createPay.ts";
import { createPresence, type Ground, type Presence } from "../publish/presence.ts";
import { ServiceCheck } from "../serviceCheck.ts";
import { providerStoreFile } from "../store.ts";
import type { ServiceParts } from "./hostedService.ts";
import type { ServiceKeys, ServiceSettings } from "./plan.ts";

/** What the services of an agent share. */
export interface SharedParts {
  client: ChainClient;
  time: ChainTime;
  services: Services;
  announcements: Announcements;
  challenges: Challenges;
  /** The one sender of the key that pays: two senders would give out the same nonce. */
  sender: TransactionSender;
  ground: Ground;
  /** The collectors of priced services. */
  collectors: Collectors;
  /** Folder of the worker's state. */
  stateDir: string;
  /** The processes in whose place this one serves. */
  before: TakeOver | undefined;
}

/**
 * Builds a service: its gateway, its record and its tasks on chain.
 *
 * @throws BlockcloudError `GATEWAY_OPTIONS`, or if the store cannot be opened.
 */
export function createServiceParts(
  settings: ServiceSettings,
  keys: ServiceKeys,
  shared: SharedParts,
  { log, metrics }: { log: Logger; metrics: ServiceMetrics },
): ServiceParts {
  const { number, settleEvery: everyEpochs, pay: paySettings } = settings;
  const { serviceKey, previousKeys } = keys;
  const { client, time, services, announcements, challenges, sender, ground } = shared;
  const { deployment, timers } = ground;
  const pay =
    paySettings &&
    createPay(
      { number, serviceKey, pay: paySettings },
      { ...shared, deployment, timers, now: ground.now },
      log,
      metrics.pay,
    );
  const terms = {
    ...settings,
    pay,
    serviceId: rootServiceId(number),
    key: serviceKey,
    previousKey: previousKeys[0],
    delegation: "0x" as const,
    storeFile: providerStoreFile(shared.stateDir, deployment, number),
    inherited: shared.before?.inherited(rootServiceId(number)),
    elsewhere: shared.before,
  };
  let presence: Presence;
  try {
    presence = createPresence(terms, ground, { log, metrics });
  } catch (error) {
    pay?.close().catch((cause: unknown) => {
      log.warn("a part of the service could not be stopped", { error: cause });
    });
    throw error;
  }
  const { endpoints, store, publisher, leases, joiner, handoff } = presence;
  if (handoff.keeper !== undefined) shared.before?.keepBooks(handoff.serviceId, handoff.keeper);
  const front = announced(presence.front, () => shared.before?.serving(handoff.serviceId));
  const paid = pay === undefined ? front : closedAfter(front, pay);
  const payTasks = pay?.tasks ?? inOrder();
  const check = new ServiceCheck(
    { number, keys: [serviceKey, ...previousKeys] },
    { services, challenges, time, timers },
  );
  const checked = (signal: AbortSignal) => check.run(signal);
  // The instance that publishes has the duties on chain: twice done they would cost twice.
  if (joiner !== undefined)
    return { front: paid, tasks: inOrder(joiner, payTasks), check: checked, handoff };
  const announcer = new Announcer(
    { number, serviceKey, endpoints },
    { deployment, announcements, sender, time, store, log },
  );
  const responder = new ChallengeResponder(
    { number, keys: [serviceKey, ...previousKeys] },
    { deployment, challenges, sender, time, timers, log, metrics },
  );
  const published = publisher(announcer);
  const provider = new Provider({
    responder,
    publisher: published,
    announcer,
    settler: new Settler({ number, everyEpochs }, { client, deployment, sender, time, log }),
    statusWatch: new StatusWatch({ number }, { services, log, metrics }),
    ...{ time, log, metrics },
  });
  return {
    front: paid,
    tasks: inOrder(provider, leases(published), payTasks),
    check: checked,
    handoff,
  };
}

/** Tells when the gateway serves. */
function announced(front: Startable, serves: () => void): Startable {
  return {
    start: async () => {
      await front.start();
      serves();
    },
    stop: () => front.stop(),
  };
}
