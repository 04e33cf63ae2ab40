import path from "node:path";
import { ChainAccess, type ChainPace } from "../chain/access.ts";
import { deploymentTag, type Deployment } from "../chain/deployment.ts";
import type { Startable } from "../node/lifecycle.ts";
import type { Logger } from "../node/logger.ts";
import { createMetrics, type Metrics } from "../node/metrics.ts";
import { wallSeconds, type Timers } from "../node/timers.ts";
import { Alerts } from "./alerts.ts";
import type { AlertLimits } from "./conditions.ts";
import { AlertReader, type Watched } from "./reader.ts";
import { AlertStore } from "./store.ts";
import { Webhook, type WebhookOptions } from "./webhook.ts";

export interface AlertsOptions {
  /** The preferred RPC endpoint, then its fallbacks. */
  rpcUrls: readonly string[];
  /** The polling of the head. */
  pace?: ChainPace | undefined;
  deployment: Deployment;
  watched: Watched;
  limits: AlertLimits;
  webhook: WebhookOptions;
  /** Pause between two looks, milliseconds. */
  everyMs: number;
  /** Folder of the worker's state. */
  stateDir: string;
}

/** Assembles the worker that watches services and auditors, ready to start. It has no key, and only reads. */
export function createAlerts(
  options: AlertsOptions,
  environment: { timers: Timers; log: Logger; metrics?: Metrics },
): Startable {
  const { deployment, watched, limits, everyMs } = options;
  const { timers, log, metrics = createMetrics("alerts") } = environment;
  const chain = new ChainAccess(options, { timers, log, metrics });
  const name = `alerts-${deploymentTag(deployment)}.sqlite`;
  const store = new AlertStore(path.join(options.stateDir, name));
  const alerts = new Alerts(
    { everyMs },
    {
      reader: new AlertReader(watched, limits, chain.client, deployment),
      webhook: new Webhook(options.webhook),
      ...{ store, now: wallSeconds, timers, log },
    },
  );
  return {
    async start() {
      await chain.start();
      log.info("watching", {
        ...watched,
        services: watched.services.map(Number),
        everySeconds: everyMs / 1000,
        // The path may be a secret.
        webhook: options.webhook.url.host,
      });
      await alerts.start();
    },
    async stop() {
      await alerts.stop();
      await chain.stop();
      store.close();
    },
  };
}
