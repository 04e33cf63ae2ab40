import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import type { PrivateKey } from "@libp2p/interface";
import { existsSync } from "node:fs";
import path from "node:path";
import { readSecretFile, writeSecretFile } from "../../node/secretFile.ts";
import { ensureFolder } from "../../node/folder.ts";
import { BlockcloudError } from "../../protocol/errors.ts";

/**
 * Loads the Ed25519 key of a node, which determines its peer ID. It is created at the first start, in a file of mode
 * 600. Its signatures are not used to validate messages.
 *
 * @param file Undefined for a key that lives only in memory.
 * @throws BlockcloudError `KEY_UNREADABLE`, `KEY_FILE_OPEN`, `KEY_MALFORMED`, `KEY_UNWRITABLE`.
 */
export async function peerKey(file: string | undefined): Promise<PrivateKey> {
  if (file !== undefined && existsSync(file)) return readPeerKey(file);
  const key = await generateKeyPair("Ed25519");
  if (file !== undefined) {
    ensureFolder(path.dirname(file));
    writeSecretFile(file, Buffer.from(privateKeyToProtobuf(key)).toString("base64"));
  }
  return key;
}

function readPeerKey(file: string): PrivateKey {
  const text = readSecretFile(file, "key");
  try {
    return privateKeyFromProtobuf(Buffer.from(text, "base64"));
  } catch {
    // The library's message may contain a part of the key.
    throw new BlockcloudError("KEY_MALFORMED", `The peer key in ${file} is malformed.`, {
      remedy: "Delete it: a new one is made, and the node gets another peer ID.",
    });
  }
}
