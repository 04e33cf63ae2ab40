import { useMemo } from "react";
import { useEvery, useHead } from "../../context.tsx";
import { readEpochRows } from "../../chain/epochs.ts";
import { indexedEpochs } from "../../index/epochs.ts";
import { useEither } from "../../useEither.ts";
import { SourceLine } from "../../ui/source.tsx";
import { withNewest, withWholeGas, type NetworkEpochs } from "./epochs.ts";
import { Figures } from "./figures.tsx";
import { History } from "./history.tsx";
import { Newest } from "./newest.tsx";
import { Rounds, useUnderWay } from "./rounds.tsx";

/** Epochs from the index, and from the chain alone. */
const EPOCHS = 60;
const CHAIN_EPOCHS = 10;

/** The network: the epoch's clock, what auditors do, the newest verdicts, the pay. */
export default function NetworkPage() {
  const head = useHead();
  const every = useEvery(4);
  const reading = useEither<NetworkEpochs>(
    "epochs",
    every,
    async (index, signal) => ({
      ...(await indexedEpochs(index, EPOCHS, signal)),
      leftOut: undefined,
    }),
    async (sources, signal) => {
      const { rows, isWhole } = await readEpochRows(sources, head, CHAIN_EPOCHS, signal);
      const first = rows[0]?.epoch ?? 0;
      const leftOut = [
        ...(first > 0 ? [`epochs before ${first}, which need the index`] : []),
        ...(isWhole ? [] : ["events that the endpoint was not asked for"]),
      ];
      return { rows, totals: undefined, leftOut: leftOut.join(" and ") || undefined };
    },
  );
  const underWay = useUnderWay();
  const found = reading.value?.value;
  const epochs = useMemo(
    () =>
      found && {
        ...found,
        rows: withWholeGas(withNewest(found.rows, underWay.value), head.epoch),
      },
    [found, underWay.value, head.epoch],
  );
  return (
    <>
      <div className="page-head">
        <h1>Network</h1>
        <SourceLine reading={reading} leftOut={epochs?.leftOut} />
      </div>
      <Rounds reading={underWay} />
      <Figures epochs={epochs} />
      <Newest />
      {epochs !== undefined && <History rows={epochs.rows} />}
    </>
  );
}
