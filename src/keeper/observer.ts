/** The interface of a keeper's metrics. */
export interface KeeperObserver {
  /** A chore was done; its reward is BLOC in wei, its fee ether in wei. */
  done(duty: string, money: { reward: bigint; feeWei: bigint }): void;
  /** A chore was sent, but another account was first; the fee is ether in wei. */
  lost(duty: string, feeWei: bigint): void;
  /** A chore was due but skipped, because it was unprofitable. */
  skipped(duty: string): void;
  /** A round of a duty failed. */
  failed(duty: string): void;
  /** Events were read up to a block. */
  followed(block: bigint): void;
}
