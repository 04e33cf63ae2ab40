import type { Hex } from "viem";
import type { ChainAccess } from "../../chain/access.ts";
import type { Deployment } from "../../chain/deployment.ts";
import type { FeePolicy } from "../../chain/transactions/fees.ts";
import { GAS_PER_ROUND } from "../../chain/runway.ts";
import type { Logger } from "../../node/logger.ts";
import type { Timers } from "../../node/timers.ts";
import { Collectors } from "./collectors.ts";
import { createPay, type ServicePay } from "./createPay.ts";
import type { ServicePayMetrics } from "./metrics.ts";
import type { PaySettings } from "./settings.ts";

/** How a service is paid whose process sends no other transactions. */
export interface OwnPaySettings extends PaySettings {
  /** Opens tabs and redeems vouchers: its account needs ether. */
  walletKey: Hex;
  fees?: FeePolicy | undefined;
}

export interface OwnPayParts {
  deployment: Deployment;
  chain: ChainAccess;
  /** The chain's time, Unix milliseconds; the host's before the first block. */
  now(): number;
  /** Folder of the worker's state. */
  stateDir: string;
  timers: Timers;
}

/**
 * Builds what takes the payments of a service that has a collector of its own. A sub-service uses tabs of its root: the
 * contract pays root services only.
 *
 * @param service Its `number` is that of the root.
 * @throws BlockcloudError as `createPay` does.
 */
export function createOwnPay(
  service: { number: bigint; serviceKey: Hex; pay: OwnPaySettings; isHttp?: boolean },
  { deployment, chain, now, stateDir, timers }: OwnPayParts,
  log: Logger,
  metrics?: ServicePayMetrics,
): ServicePay {
  const { walletKey, fees } = service.pay;
  const { client, time } = chain;
  const sender = chain.sender(walletKey, fees, () => GAS_PER_ROUND.provider);
  const shared = { client, deployment, sender, time, now, stateDir, timers };
  return createPay(service, { ...shared, collectors: new Collectors(shared) }, log, metrics);
}
