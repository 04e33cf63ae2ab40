import type { Address } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { readAuditorHistory } from "../chain/views/auditorRounds.ts";
import { readAuditorView } from "../chain/views/auditorView.ts";
import { readMoment, type Moment } from "../chain/views/contracts.ts";
import { readServiceEpochs } from "../chain/views/serviceEpochs.ts";
import { readServiceView } from "../chain/views/serviceView.ts";
import {
  accountConditions,
  auditorConditions,
  serviceConditions,
  type AlertLimits,
  type Condition,
} from "./conditions.ts";

/** Services and accounts that alerts are about. */
export interface Watched {
  services: readonly bigint[];
  auditors: readonly Address[];
  /** Accounts that pay for transactions. */
  accounts: readonly Address[];
}

/** A subject, and how to read its conditions at a moment. */
export interface Subject {
  readonly name: string;
  read(moment: Moment, gasPrice: bigint): Promise<Condition[]>;
}

/** Epochs that are read beside those that must be in a row: some have no verdict. */
const MORE_EPOCHS = 8;

/** Reads what alerts are about, through the views that the commands show. */
export class AlertReader {
  readonly subjects: readonly Subject[];
  readonly #client: ChainClient;
  readonly #deployment: Deployment;

  constructor(watched: Watched, limits: AlertLimits, client: ChainClient, deployment: Deployment) {
    this.#client = client;
    this.#deployment = deployment;
    const { epochSeconds } = deployment;
    const last = limits.inARow + MORE_EPOCHS;
    this.subjects = [
      ...watched.services.map((number) => ({
        name: `service ${number}`,
        read: async (moment: Moment) => {
          const view = await readServiceView(client, deployment, { number, moment });
          const { settledThrough } = view;
          const input = { number, moment, last, settledThrough };
          const epochs = await readServiceEpochs(client, deployment, input);
          return serviceConditions(view, epochs, limits, { moment, epochSeconds });
        },
      })),
      ...watched.auditors.map((auditor) => ({
        name: `auditor ${auditor}`,
        read: async (moment: Moment, gasPrice: bigint) => {
          const [view, { rounds }] = await Promise.all([
            readAuditorView(client, deployment, { auditor, moment }),
            readAuditorHistory(client, deployment, { auditor, moment, last }),
          ]);
          return auditorConditions(view, rounds, limits, { moment, epochSeconds, gasPrice });
        },
      })),
      ...watched.accounts.map((address) => ({
        name: `account ${address}`,
        read: async (_: Moment, gasPrice: bigint) => {
          const wei = await client.getBalance({ address });
          return accountConditions(address, wei, limits, { epochSeconds, gasPrice });
        },
      })),
    ];
  }

  moment(): Promise<Moment> {
    return readMoment(this.#client, this.#deployment);
  }

  gasPrice(): Promise<bigint> {
    return this.#client.getGasPrice();
  }
}
