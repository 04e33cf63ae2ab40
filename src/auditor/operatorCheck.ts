import { isAddressEqual, zeroAddress, type Address, type Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Logger } from "../node/logger.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { BlockcloudError } from "../protocol/errors.ts";
import { addressOfKey } from "../protocol/signature.ts";

/**
 * Checks that a key may commit for an auditor. An address that has not enrolled is only warned of: its worker may be
 * started before.
 *
 * @throws BlockcloudError `AUDITOR_OPERATOR`.
 */
export async function checkOperator(
  d: { client: Pick<ChainClient, "readContract">; deployment: Deployment; log: Logger },
  auditor: Address,
  operatorKey: Hex,
): Promise<void> {
  const [operator] = await d.client.readContract({
    address: d.deployment.contracts.proofOfService,
    abi: proofOfServiceAbi,
    functionName: "auditorOf",
    args: [auditor],
  });
  const own = addressOfKey(operatorKey);
  if (isAddressEqual(operator, own)) return;
  if (isAddressEqual(operator, zeroAddress)) {
    d.log.warn(
      "this address has never enrolled as an auditor: check --auditor, or enrol with blockcloud auditor init",
      { auditor },
    );
    return;
  }
  throw new BlockcloudError(
    "AUDITOR_OPERATOR",
    `The operator key is ${own}'s, and the operator of auditor ${auditor} is ${operator}.`,
    { remedy: "Check --auditor and --operator-key-file: only the operator commits." },
  );
}
