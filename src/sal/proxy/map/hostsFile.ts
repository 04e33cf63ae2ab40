import { BlockcloudError } from "../../../protocol/errors.ts";

/** The marks of the block that belongs to Blockcloud; everything else in the file stays byte for byte. */
const BEGIN = "# blockcloud begin: written by `blockcloud proxy hosts`";
const END = "# blockcloud end";

/** An address and its names. */
export interface HostsLine {
  address: string;
  names: readonly string[];
}

/** A hosts file (hosts(5)), as far as it concerns Blockcloud. */
export interface HostsFile {
  /** The lines of the block; empty without one. */
  lines: readonly HostsLine[];
  /** Addresses that other lines give to a name. */
  elsewhere(name: string): string | undefined;
  /** The whole file with other lines in the block; without any, the block goes. */
  with(lines: readonly HostsLine[]): string;
}

/**
 * Reads a hosts file.
 *
 * @throws BlockcloudError `HOSTS_DAMAGED` if the marks of the block do not match.
 */
export function readHostsFile(text: string): HostsFile {
  const all = text.split("\n");
  const begins = placesOf(all, BEGIN);
  const ends = placesOf(all, END);
  const [begin, end] = [begins[0], ends[0]];
  const isWhole = begins.length === 1 && ends.length === 1 && (begin ?? 0) < (end ?? 0);
  if (!isWhole && begins.length + ends.length > 0) {
    throw new BlockcloudError("HOSTS_DAMAGED", "The marks of Blockcloud's block do not match.", {
      remedy: `Remove the lines "${BEGIN}" and "${END}", and what belongs between them.`,
    });
  }
  const before = begin === undefined ? all : all.slice(0, begin);
  const after = end === undefined ? [] : all.slice(end + 1);
  const others = [...before, ...after].flatMap(lineOf);
  return {
    lines: begin === undefined ? [] : all.slice(begin + 1, end).flatMap(lineOf),
    elsewhere: (name) => others.find(({ names }) => names.includes(name))?.address,
    with: (lines) => {
      const block = lines.length === 0 ? [] : [BEGIN, ...lines.map(textOf), END];
      if (begin !== undefined) return [...before, ...block, ...after].join("\n");
      if (block.length === 0) return text;
      const joined = text === "" || text.endsWith("\n") ? text : `${text}\n`;
      return `${joined}${block.join("\n")}\n`;
    },
  };
}

/** A line as hosts(5) has it. */
export function textOf({ address, names }: HostsLine): string {
  return `${address} ${names.join(" ")}`;
}

function placesOf(lines: readonly string[], mark: string): number[] {
  return lines.flatMap((line, index) => (line.trimEnd() === mark ? [index] : []));
}

function lineOf(text: string): HostsLine[] {
  const [address, ...names] = (text.split("#", 1)[0] ?? "").trim().toLowerCase().split(/\s+/);
  return address === undefined || address === "" || names.length === 0 ? [] : [{ address, names }];
}
