/** A page of rows as the index answers. */
export interface Page<Row> {
  items: readonly Row[];
  totalCount?: number | undefined;
  pageInfo?: { hasNextPage: boolean; endCursor: string | null } | undefined;
}

/**
 * Asks for page after page, until the last one or until there are as many rows as wanted.
 *
 * @param ask Asks for the page after a cursor.
 */
export async function rowsOfPages<Row>(
  ask: (after: string | null) => Promise<Page<Row>>,
  most: number,
): Promise<{ rows: Row[]; total: number }> {
  const rows: Row[] = [];
  let total = 0;
  let after: string | null = null;
  let before: number;
  do {
    before = rows.length;
    const { items, totalCount, pageInfo }: Page<Row> = await ask(after);
    rows.push(...items);
    total = totalCount ?? rows.length;
    after = pageInfo?.hasNextPage === true ? pageInfo.endCursor : null;
    // Pages without a row never reach the most: an index could answer with them without end.
  } while (after !== null && rows.length > before && rows.length < most);
  return { rows, total };
}
