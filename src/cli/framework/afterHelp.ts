/** The text below a command's flags in its help: examples and notes. */
export function afterHelp(examples: readonly string[], notes?: string): string {
  const lines = examples.map((example) => `  ${example.replaceAll("\n", "\n    ")}`);
  const title = lines.length === 1 ? "Example" : "Examples";
  return `\n${title}:\n${lines.join("\n")}${notes === undefined ? "" : `\n\n${notes}`}`;
}
