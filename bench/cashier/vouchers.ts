import { keccak256, parseEther, stringToHex } from "viem";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import {
  cashierDomain,
  cashierSeparator,
  signVoucher,
  tabOf,
  voucherSigner,
  type Redemption,
} from "../../src/protocol/voucher.ts";
import { keyOf } from "../fleet.ts";
import { quantiles, rounded, roundedQuantiles, type Quantiles } from "../quantiles.ts";

const CASHIER = "0xc5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5";
const VOUCHERS = 20_000;
const WARM_UP = 2_000;

/** What one core does. */
export interface VoucherSpeed {
  /** A second, by wall time of one process. */
  perSecond: number;
  /** Processor time of one voucher, ms. */
  cpuMs: number;
  /** Wall time of one voucher, ms. */
  ms: Quantiles;
}

/** Signs and verifies vouchers one after another, each with another amount, as a payer and a collector do. */
export function measureVouchers(): { sign: VoucherSpeed; verify: VoucherSpeed } {
  const separator = cashierSeparator(cashierDomain(31_337n, CASHIER));
  const key = hexToBytes(keyOf("payer of vouchers"));
  const payer = addressOfKey(key);
  const salt = keccak256(stringToHex("salt"));
  const tab = tabOf(CASHIER, salt);
  const terms = { payer, service: rootServiceId(7n), tab, base: 0n, minGrade: 0, epoch: 12 };
  const piece = parseEther("0.002") + 1n;
  const vouchers: Redemption[] = [];
  const sign = speedOf((index) => {
    const voucher = { ...terms, cumulative: piece * BigInt(index + 1) };
    vouchers[index] = signVoucher(separator, voucher, salt, key);
  });
  const verify = speedOf((index) => {
    const voucher = vouchers[index];
    if (voucher === undefined || voucherSigner(separator, voucher) !== payer)
      throw new Error("A voucher does not verify.");
  });
  return { sign, verify };
}

function speedOf(run: (index: number) => void): VoucherSpeed {
  for (let index = 0; index < WARM_UP; index++) run(index);
  const times = new Float64Array(VOUCHERS);
  const cpu = process.cpuUsage();
  const started = performance.now();
  for (let index = 0; index < VOUCHERS; index++) {
    const before = performance.now();
    run(index);
    times[index] = performance.now() - before;
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: Math.round(VOUCHERS / seconds),
    cpuMs: rounded((user + system) / 1000 / VOUCHERS, 3),
    ms: roundedQuantiles(quantiles([...times]), 3),
  };
}
