/** What a keeper tells whoever counts: its metrics. */
export interface KeeperObserver {
  /** A chore was done: what it brought, BLOC in wei, and its fee, ether in wei. */
  done(duty: string, money: { reward: bigint; feeWei: bigint }): void;
  /** A chore was sent and somebody else had done it: its fee, ether in wei. */
  lost(duty: string, feeWei: bigint): void;
  /** A chore was due and left alone, for it did not pay. */
  skipped(duty: string): void;
  /** A round of a duty failed. */
  failed(duty: string): void;
  /** Events were read up to a block. */
  followed(block: bigint): void;
}
