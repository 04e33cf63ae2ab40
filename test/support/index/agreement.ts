import { isDeepStrictEqual } from "node:util";
import type { IndexRig } from "./indexRig.ts";
import type { Row, Tables } from "./recount/chain.ts";

/** Where an index and a recount do not say the same, by table, row and column; none of a table's columns is left out. */
export async function disagreements(rig: IndexRig, expected: Tables): Promise<string[]> {
  const said: string[] = [];
  const names = await rig.tableNames();
  for (const table of Object.keys(expected).filter((name) => !names.includes(name))) {
    said.push(`${table}: the index does not serve it`);
  }
  for (const table of names) {
    const { columns, key, rows } = await rig.table(table);
    const counted = expected[table];
    if (counted === undefined) {
      said.push(`${table}: it is not recounted`);
      continue;
    }
    if (counted.length === 0) said.push(`${table}: nothing of it happened`);
    const keyOf = (row: Row) => key.map((name) => `${name} ${String(row[name])}`).join(", ");
    const [found, wanted] = [rows, counted].map((all) => new Map(all.map((r) => [keyOf(r), r])));
    if (wanted!.size !== counted.length) said.push(`${table}: rows are recounted twice`);
    for (const at of found!.keys()) {
      if (!wanted!.has(at)) said.push(`${table} (${at}): only the index has this row`);
    }
    for (const [at, row] of wanted!) {
      const other = found!.get(at);
      if (other === undefined) said.push(`${table} (${at}): the index lacks this row`);
      else said.push(...differing(other, row, columns).map((text) => `${table} (${at}) ${text}`));
    }
  }
  return said;
}

function differing(found: Row, wanted: Row, columns: readonly string[]): string[] {
  return [...new Set([...columns, ...Object.keys(wanted)])].flatMap((column) => {
    if (!columns.includes(column)) return [`.${column}: the index has no such column`];
    if (!(column in wanted)) return [`.${column}: it is not recounted`];
    const [one, other] = [found[column], wanted[column]];
    if (isDeepStrictEqual(one, other)) return [];
    return [`.${column}: ${JSON.stringify(one)}, recounted ${JSON.stringify(other)}`];
  });
}
