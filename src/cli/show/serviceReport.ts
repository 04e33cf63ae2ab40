import { type Diagnosis } from "../../chain/views/diagnosis.ts";
import { diagnose } from "../../chain/views/diagnose.ts";
import { readMoment, type Moment } from "../../chain/views/contracts.ts";
import type { RecordView } from "../../chain/views/recordView.ts";
import type { SelfProbe } from "../../chain/views/probeDiagnosis.ts";
import { readServiceEpochs } from "../../chain/views/serviceEpochs.ts";
import { readServiceView, type ServiceView } from "../../chain/views/serviceView.ts";
import type { ChainContext } from "../framework/chainCommand.ts";
import { resolverUrl, state } from "../framework/commonFlags.ts";
import { coralFlags } from "../framework/coralFlags.ts";
import { text, toggle, type Flags } from "../framework/flag.ts";
import { wholeNumber } from "../framework/values.ts";
import { readLiveRecord, type LivePlaces } from "./currentRecord.ts";
import { probeService } from "./selfProbe.ts";
import type { ServiceEpoch } from "../../protocol/serviceEpochs.ts";

/** The full report on a service, with the reasons for its grades. */
export interface ServiceReport {
  moment: Moment;
  /** With the live record, if there is one. */
  view: ServiceView;
  /** The record on chain. */
  announced: RecordView;
  /** The newest ones, from the service's first epoch on. */
  epochs: readonly ServiceEpoch[];
  probe: SelfProbe | undefined;
  diagnosis: readonly Diagnosis[];
}

/** Flags of the commands that report on a service. */
export const reportFlags = {
  epochs: text("--epochs <n>", "number of past epochs to show", wholeNumber(1, 200), {
    default: "12",
  }),
  skipProbe: toggle("--skip-probe", "do not run the service's own probe against its endpoint"),
  allowLoopback: toggle("--allow-loopback", "devnet switch: probe services on loopback too", {
    config: "auditor.allowLoopback",
  }),
  resolver: resolverUrl,
  coralBootstrap: coralFlags(0).coralBootstrap,
  state,
};

interface ReportOptions extends LivePlaces {
  number: bigint;
  epochs: number;
  skipProbe: boolean;
}

/** Reads a service and runs its probe. */
export async function readServiceReport(
  context: Pick<ChainContext<Flags, Flags>, "client" | "deployment" | "io" | "progress" | "signal">,
  options: ReportOptions,
): Promise<ServiceReport> {
  const { client, deployment, io, progress, signal } = context;
  const { number, allowLoopback } = options;
  progress.update(`reading service ${number}`);
  const moment = await readMoment(client, deployment);
  const onChain = await readServiceView(client, deployment, { number, moment });
  const announced = onChain.record;
  const live = await readLiveRecord({ view: onChain, moment, deployment }, options, context);
  const view = live === undefined ? onChain : { ...onChain, record: live };
  const { settledThrough, firstEpoch } = view;
  const read = await readServiceEpochs(client, deployment, {
    number,
    moment,
    last: options.epochs,
    settledThrough,
  });
  const epochs = read.filter(({ epoch }) => epoch >= firstEpoch);
  if (!options.skipProbe) progress.update("running its probe");
  const probe = options.skipProbe
    ? undefined
    : await probeService({ view, moment, deployment, allowLoopback }, io, signal);
  progress.clear();
  const diagnosis = diagnose({ view, epochs, moment, deployment, announced, probe });
  return { moment, view, announced, epochs, probe, diagnosis };
}

/** The report as JSON; amounts in wei. */
export function reportJson(report: ServiceReport): object {
  const { moment, view, announced, epochs, probe, diagnosis } = report;
  return {
    number: Number(view.number),
    epoch: moment.epoch,
    service: { ...view, number: Number(view.number) },
    announced,
    epochs,
    probe,
    diagnosis,
  };
}
