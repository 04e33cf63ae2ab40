/**
 * Formats rows as CSV (RFC 4180, lines end with a line feed). A spreadsheet would run a field that begins with one of
 * = + - @ as a formula, so such a field gets an apostrophe before it.
 */
export function csv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => row.map((cell) => field(String(cell))).join(",")).join("\n");
}

function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
