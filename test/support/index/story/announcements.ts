import type { Hex } from "viem";
import { hexToBytes } from "../../../../src/protocol/bytes.ts";
import { signRecord } from "../../../../src/protocol/record.ts";
import { rootServiceId } from "../../../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../../../src/protocol/typedData.ts";
import { stranger, type IndexedStory } from "../story.ts";

interface Given {
  /** Milliseconds from the newest block on. */
  at?: number;
  lasts?: number;
  uri?: string;
  /** The service that the record names. */
  of?: bigint;
  /** The block from which on `at` counts; by default the newest. */
  since?: bigint;
}

/** Announces a record for a service, signed by a key. */
export async function announce(
  story: IndexedStory,
  number: bigint,
  key: Hex,
  { at = 0, lasts = 3_600_000, uri = "https://weather.example/", of = number, since }: Given = {},
) {
  const { chainId, contracts } = story.chain.deployment;
  const blockNumber = since ?? (await story.chain.client.getBlockNumber());
  const { timestamp } = await story.chain.client.getBlock({ blockNumber });
  const issuedAt = timestamp * 1_000n + BigInt(at);
  const record = signRecord(
    {
      ...{ serviceId: rootServiceId(of), issuedAt, expiresAt: issuedAt + BigInt(lasts) },
      endpoints: [{ uri, priority: 1, weight: 2 }],
      delegation: "0x",
    },
    blockcloudDomain(BigInt(chainId), contracts.registry),
    hexToBytes(key),
  );
  await story.send(stranger.key, "registry", "announce", [number, record]);
}

/** Records of which some prove nothing, and some are older than the one before. */
export async function announceAll(story: IndexedStory) {
  const keyOf = (number: number) => story.chain.serviceKey(number).key;
  const bytes = (number: bigint, record: Hex) =>
    story.send(stranger.key, "registry", "announce", [number, record]);
  // A proven one stays, whatever is announced after it, until a newer one is.
  await announce(story, 4n, keyOf(4), { at: -20_000, uri: "https://first.example/" });
  await bytes(4n, "0x1234");
  await announce(story, 4n, keyOf(5), { uri: "https://other-key.example/" });
  await announce(story, 4n, keyOf(4), { at: -90_000, uri: "https://older.example/" });
  const since = await story.chain.client.getBlockNumber();
  const newer = { at: 20_000, since };
  await announce(story, 4n, keyOf(4), { ...newer, uri: "https://newer.example/\u0000" });
  await announce(story, 4n, keyOf(4), { ...newer, uri: "https://equally-new.example/" });
  // Records that prove nothing: expired, of the future, of another service.
  await announce(story, 5n, keyOf(5), { at: -90_000, lasts: 30_000 });
  await announce(story, 6n, keyOf(6), { at: 900_000 });
  await announce(story, 7n, keyOf(7), { of: 8n });
  // The last of them is kept, until one is proven.
  await bytes(8n, "0xab");
  await bytes(8n, "0xabcd");
  await bytes(13n, "0xab");
  await announce(story, 13n, keyOf(13), { uri: `https://${"a".repeat(504)}` });
}
