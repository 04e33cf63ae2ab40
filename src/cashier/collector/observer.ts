/** What happens to the money of a service. Amounts are BLOC in wei. */
export interface CollectorObserver {
  /** A use was charged to a tab. */
  charged?(amount: bigint): void;
  /** A voucher on disk covers more than before. */
  credited?(amount: bigint): void;
  /** A tab or a voucher was refused, with a code of `cashierErrors`. */
  refused?(code: string): void;
  /** A batch was redeemed on chain. */
  redeemed?(batch: { amount: bigint; paid: number; skipped: number }): void;
}
