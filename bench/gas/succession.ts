import { devKey } from "../../devnet/devnet.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import type { BenchChain } from "../chain.ts";
import { keyOf, PROBE, SERVICE_STAKE } from "../fleet.ts";
import type { Row } from "./row.ts";
import { permitOf } from "./wallets.ts";

/** Governance, operators, and the next version, to which services 17, with a label, and 18 move. */
export async function measureSuccession(
  chain: BenchChain,
  rowOn: (chain: BenchChain) => Row,
): Promise<void> {
  const row = rowOn(chain);
  const governor = devKey(19).address;
  const [owner, holder] = [addressOfKey(keyOf("owner")), addressOfKey(keyOf("holder"))];
  await row(governor, "registry", "setClassOpen", [1, false]);
  await row(holder, "registry", "setApprovalForAll", [owner, true]);
  await row(owner, "registry", "safeTransferFrom", [holder, owner, 17n], "by an operator");
  for (const number of [17n, 18n]) {
    const retire = { from: owner, contract: "registry", functionName: "retire" } as const;
    await chain.send({ ...retire, args: [number] });
  }
  await row(governor, "registry", "announceClosing", []);
  await row(governor, "registry", "revokeClosing", []);
  await row(governor, "registry", "announceClosing", [], "again");
  await chain.enter((await chain.epoch()) + 1);

  const next = await chain.succeed();
  const nextRow = rowOn(next);
  const { staking } = next.deployment.contracts;
  const serviceKey = addressOfKey(keyOf("service"));
  const args = (number: bigint) => [number, 0, serviceKey, PROBE, "", SERVICE_STAKE];
  const approve = { from: owner, contract: "token", functionName: "approve" } as const;
  await next.send({ ...approve, args: [staking, SERVICE_STAKE] });
  await nextRow(owner, "registry", "takeOver", args(17n), "with a label");
  const permit = await permitOf(next, staking, SERVICE_STAKE);
  const permitted = [...args(18n), permit];
  await nextRow(owner, "registry", "takeOverWithPermit", permitted, "without a label");
}
