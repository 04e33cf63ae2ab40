import type { RecordPublisher } from "./listener.ts";

/** The same network, which tells when it took a record, and why it did not. */
export function watchedPublisher(
  network: RecordPublisher,
  told: { taken(): void; refused(error: unknown): void },
): RecordPublisher {
  return {
    get peers() {
      return network.peers;
    },
    get alone() {
      return network.alone;
    },
    publish: async (kind, encoded) => {
      try {
        const pushed = await network.publish(kind, encoded);
        void pushed.stored.then((count) => {
          if (pushed.peers > 0 || count > 0) told.taken();
        }, told.refused);
        return pushed;
      } catch (error) {
        told.refused(error);
        throw error;
      }
    },
  };
}
