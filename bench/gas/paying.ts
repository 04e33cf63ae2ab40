import { parseEther, type Address } from "viem";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { BenchPayer } from "../cashier/payer.ts";
import type { BenchChain } from "../chain.ts";
import { keyOf } from "../fleet.ts";
import type { Row } from "./row.ts";

/** An amount with digits, as amounts are in practice: zero bytes cost less. */
const PIECE = 123_456_789_012_345_678n;
const LIMIT = parseEther("40") + 1n;
const SERVICE = 3n;

/** The functions of the Cashier, by two payers, on service 3; a third one has deposited before. */
export async function measurePaying(chain: BenchChain, relayer: Address, row: Row): Promise<void> {
  const { cashier } = chain.deployment.contracts;
  const [first, payer, other] = ["first payer", "payer", "other payer"].map(
    (name) => new BenchPayer(chain, name),
  ) as [BenchPayer, BenchPayer, BenchPayer];
  const collector = addressOfKey(keyOf("collector"));
  for (const each of [first, payer, other]) {
    await each.fund(parseEther("1000"));
    const approve = { contract: "token", functionName: "approve", args: [cashier, 0n] } as const;
    await chain.send({ from: each.address, ...approve });
  }
  const deposit = parseEther("100") + 1n;
  await row(first.address, "token", "approve", [cashier, 4n * deposit], "the Cashier");
  await chain.send({
    from: first.address,
    contract: "cashier",
    functionName: "deposit",
    args: [1n],
  });

  const [FIRST, AGAIN] = ["the payer's first", "again"] as const;
  await chain.undoing(async () => {
    const approve = [cashier, 4n * deposit];
    const call = { contract: "token", functionName: "approve", args: approve } as const;
    await chain.send({ from: payer.address, ...call });
    await row(payer.address, "cashier", "deposit", [deposit], FIRST);
    await row(payer.address, "cashier", "deposit", [deposit], AGAIN);
  });
  await chain.undoing(() =>
    row(first.address, "cashier", "depositFor", [payer.address, deposit], FIRST),
  );
  await chain.undoing(async () => {
    const permitted = await payer.permit(deposit);
    await row(payer.address, "cashier", "depositWithPermit", permitted, FIRST);
    const more = await payer.permit(deposit);
    await row(payer.address, "cashier", "depositWithPermit", more, AGAIN);
  });
  const signed = await payer.authorization(deposit, "one");
  await row(relayer, "cashier", "depositWithAuthorization", signed, FIRST);
  const more = await payer.authorization(deposit, "two");
  await row(relayer, "cashier", "depositWithAuthorization", more, AGAIN);

  const at = { service: SERVICE, collector };
  const epoch = await chain.epoch();
  const voucher = (salt: number, pieces: bigint) =>
    payer.voucher({ ...at, salt, cumulative: pieces * PIECE, epoch });
  await row(collector, "cashier", "openTab", await payer.tab({ ...at, salt: 1, limit: LIMIT }));
  const raised = await payer.tab({ ...at, salt: 1, limit: 2n * LIMIT }, 30);
  await row(collector, "cashier", "openTab", raised, "raises");
  await row(collector, "cashier", "redeem", [voucher(1, 1n)], "the service's first");
  await row(collector, "cashier", "redeem", [voucher(1, 2n)], "repeated");
  const [terms, , signature] = await payer.tab({ ...at, salt: 2, limit: LIMIT });
  await row(collector, "cashier", "openAndRedeem", [terms, signature, voucher(2, 1n)]);

  const service = rootServiceId(SERVICE);
  await row(relayer, "cashier", "collect", [service], "the service's first");
  await row(collector, "cashier", "redeem", [voucher(1, 3n)], "after a collection");
  await row(relayer, "cashier", "collect", [service], "repeated");
  await row(relayer, "cashier", "forwardFees", []);

  await row(payer.address, "cashier", "authorizeSigner", [payer.signer, LIMIT, 2n ** 40n - 1n]);
  await row(payer.address, "cashier", "revokeSigner", [payer.signer]);
  await row(payer.address, "cashier", "announceClosing", [service, terms.tab]);
  const salt = `0x${"1".padStart(64, "0")}`;
  await row(collector, "cashier", "closeAsCollector", [payer.address, service, salt]);
  await row(payer.address, "cashier", "withdraw", [PIECE]);
  await chain.enter(epoch + 30);
  await row(relayer, "cashier", "closeTab", [payer.address, service, terms.tab]);
}
