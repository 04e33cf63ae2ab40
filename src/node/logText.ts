/** Fields that have their own place in a line, or that each line has. */
const OWN = new Set(["level", "time", "msg", "name"]);
/** Text that needs no quotes: it ends no field. */
const PLAIN = /^[\x21\x23-\x3c\x3e-\x7e]+$/;

/**
 * A log line of JSON as one line for people: time of day (UTC), level, message, then the fields. What
 * strangers wrote is escaped, so that it can neither control the terminal nor look like another line.
 *
 * @param line As `createLogger` writes it; a line of another form is shown as a whole.
 * @example
 * logText('{"level":"info","time":"2026-01-01T10:00:00.000Z","msg":"round committed","epoch":7}\n');
 * // "10:00:00.000 info  round committed epoch=7\n"
 */
export function logText(line: string): string {
  const entry = parse(line);
  if (entry === undefined) return `${escaped(line.trimEnd())}\n`;
  const { level, time, msg } = entry;
  const moment = typeof time === "string" ? time.slice(11, 23) : "";
  const fields = Object.entries(entry)
    .filter(([name]) => !OWN.has(name))
    .map(([name, value]) => `${name}=${valueText(value)}`);
  const words = [moment, String(level).padEnd(5), String(msg), ...fields];
  return `${escaped(words.filter((word) => word !== "").join(" "))}\n`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    const isObject = typeof entry === "object" && entry !== null && !Array.isArray(entry);
    return isObject ? (entry as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function valueText(value: unknown): string {
  return typeof value === "string" && PLAIN.test(value) ? value : JSON.stringify(value);
}

/** Without controls, line separators and marks that change the direction of text. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
