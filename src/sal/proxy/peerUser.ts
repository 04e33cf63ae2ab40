import { readFile } from "node:fs/promises";
import { isIP, type Socket } from "node:net";
import { plainAddress } from "../../net/peer.ts";

/** Finds the user whose program holds the other end of a connection; undefined if there is none on this host. */
export type PeerUser = (socket: Socket) => Promise<number | undefined>;

/** The tables of TCP sockets, with whether their addresses are IPv6. */
const TABLES = [
  ["/proc/self/net/tcp", false],
  ["/proc/self/net/tcp6", true],
] as const;

/**
 * Looks the peer up in Linux's tables of sockets. Only a connection over loopback has its other end there. Its four
 * numbers are unique while this end is open, so the line cannot be another program's.
 */
export const linuxPeerUser: PeerUser = async ({
  remoteAddress,
  remotePort = 0,
  localAddress,
  localPort = 0,
}) => {
  // The peer's own end comes first in its line.
  const near = { address: plainAddress(remoteAddress), port: remotePort };
  const far = { address: plainAddress(localAddress), port: localPort };
  for (const [file, v6] of TABLES) {
    const text = await readFile(file, "latin1").catch(missing);
    const user = userOf(text, near, far, v6);
    if (user !== undefined) return user;
  }
  return undefined;
};

/** A kernel without IPv6 has no table of it. */
function missing(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "";
  throw error;
}

interface End {
  /** Without the IPv4-mapped prefix. */
  address: string;
  port: number;
}

/**
 * The user of the socket with these two ends, in the text of `/proc/net/tcp` (proc(5)).
 *
 * @param v6 Whether the table is that of IPv6, which has IPv4-mapped addresses, too.
 */
export function userOf(text: string, near: End, far: End, v6: boolean): number | undefined {
  const ends = ` ${endText(near, v6)} ${endText(far, v6)} `;
  const at = text.indexOf(ends);
  if (at < 0) return undefined;
  const line = text.slice(at + ends.length).split("\n", 1)[0] ?? "";
  const [, , , , user = "", , inode] = line.trim().split(/\s+/);
  // A socket whose program has closed it has no inode, and is listed as root's.
  return inode === undefined || inode === "0" || !/^\d+$/.test(user) ? undefined : Number(user);
}

/** An end as the table writes it: the address in words of 32 bits of this host's byte order, the port, in hex. */
function endText({ address, port }: End, v6: boolean): string {
  const bytes = isIP(address) === 4 ? ipv4Bytes(address, v6) : ipv6Bytes(address);
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const word = LITTLE_ENDIAN ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    words.push(word.toString(16).toUpperCase().padStart(8, "0"));
  }
  return `${words.join("")}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
const MAPPED = Buffer.from("00000000000000000000ffff", "hex");

function ipv4Bytes(address: string, mapped: boolean): Buffer {
  const plain = Buffer.from(address.split(".").map(Number));
  return mapped ? Buffer.concat([MAPPED, plain]) : plain;
}

function ipv6Bytes(address: string): Buffer {
  const [left = "", right] = address.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0");
  const bytes = Buffer.alloc(16);
  for (const [at, group] of [...head, ...zeros, ...tail].slice(0, 8).entries()) {
    bytes.writeUInt16BE(parseInt(group, 16) || 0, 2 * at);
  }
  return bytes;
}
