import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";

/** solc's storage layout of a contract. */
interface StorageLayout {
  storage: { label: string; offset: number; slot: string; type: string }[];
  types: Record<
    string,
    { label: string; numberOfBytes: string; members?: StorageLayout["storage"] }
  > | null;
}

interface Artifact {
  contractName: string;
  inputSourceName?: string;
  sourceName: string;
  buildInfoId?: string;
  deployedBytecode: string;
}

/** The storage of each contract: `slot+offset: type name`, and the members of the structs in it. */
export async function layouts(root: string): Promise<Record<string, Record<string, string>>> {
  const found: Record<string, Record<string, string>> = {};
  for (const file of globSync("artifacts/contracts/**/*.json", { cwd: root }).sort()) {
    const artifact = JSON.parse(await readFile(path.join(root, file), "utf8")) as Artifact;
    // The storage of an abstract contract is part of the derived contracts.
    if (artifact.buildInfoId === undefined || artifact.deployedBytecode === "0x") continue;
    const info = path.join(root, `artifacts/build-info/${artifact.buildInfoId}.output.json`);
    const { output } = JSON.parse(await readFile(info, "utf8")) as {
      output: {
        contracts: Record<string, Record<string, { storageLayout?: StorageLayout } | undefined>>;
      };
    };
    const source = artifact.inputSourceName ?? artifact.sourceName;
    const layout = output.contracts[source]?.[artifact.contractName]?.storageLayout;
    if (layout === undefined) {
      throw new Error(`No storage layout of ${artifact.contractName} in ${info}.`);
    }
    if (layout.storage.length > 0) found[artifact.contractName] = describe(layout);
  }
  return found;
}

/** The name without solc's syntax tree numbers, which change with any edit. */
function describe({ storage, types }: StorageLayout): Record<string, string> {
  const name = (type: string) => types?.[type]?.label ?? type;
  const place = (item: StorageLayout["storage"][number]) => `${item.slot}+${item.offset}`;
  const lines: Record<string, string> = {};
  for (const item of storage) lines[place(item)] = `${name(item.type)} ${item.label}`;
  for (const { label, members } of Object.values(types ?? {})) {
    for (const member of members ?? []) {
      lines[`${label} ${place(member)}`] = `${name(member.type)} ${member.label}`;
    }
  }
  return lines;
}
