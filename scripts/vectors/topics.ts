import { voucherVectors } from "./cashier.ts";
import { challengeVectors, labelVectors } from "./services.ts";
import { constantVectors } from "./constants.ts";
import { emissionVectors } from "./emission.ts";
import { hashChainVectors, nonceVectors, seedVectors, sortitionVectors } from "./draw.ts";
import { httpReceiptVectors, serviceIdVectors, typedDataVectors } from "./identity.ts";
import { Random } from "./random.ts";
import { probeVectors } from "./probes.ts";
import { recordVectors } from "./records.ts";
import { roundVectors } from "./round.ts";
import { activeLanesVectors, payVectors, reportWordVectors, tallyVectors } from "./votes.ts";

/** Changing it changes every file. */
export const VECTOR_SEED = "blockcloud-vectors-1";

const topics: Record<string, (random: Random) => object> = {
  constants: constantVectors,
  serviceId: serviceIdVectors,
  typedData: typedDataVectors,
  httpReceipt: httpReceiptVectors,
  hashChain: hashChainVectors,
  seed: seedVectors,
  sortition: sortitionVectors,
  nonce: nonceVectors,
  reportWord: reportWordVectors,
  tally: tallyVectors,
  pay: payVectors,
  emission: emissionVectors,
  activeLanes: activeLanesVectors,
  round: roundVectors,
  challenge: challengeVectors,
  label: labelVectors,
  voucher: voucherVectors,
  records: recordVectors,
  probes: probeVectors,
};

/** Every file of `test/vectors` by name. Each topic has its own stream, so one can change alone. */
export function vectorFiles(): Map<string, string> {
  return new Map(
    Object.entries(topics).map(([name, make]) => [
      `${name}.json`,
      `${JSON.stringify(make(new Random(`${VECTOR_SEED}/${name}`)), null, 1)}\n`,
    ]),
  );
}
