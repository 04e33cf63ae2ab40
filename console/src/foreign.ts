/** Longest text of a stranger that is shown. */
export const MAX_SHOWN = 160;

/** A stranger's text as it can be shown: bounded, on one line, and without characters that hide or reorder others. */
export interface Shown {
  text: string;
  /** What a reader must know about it. */
  warnings: readonly string[];
}

/** Controls, and the marks that change the direction of the text or have no width. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const LETTER = /\p{L}/u;
/** Scripts whose letters are taken for one another. */
const scripts: readonly [string, RegExp][] = [
  ["Latin", /\p{Script=Latin}/u],
  ["Cyrillic", /\p{Script=Cyrillic}/u],
  ["Greek", /\p{Script=Greek}/u],
  ["Armenian", /\p{Script=Armenian}/u],
  ["Cherokee", /\p{Script=Cherokee}/u],
];

/** The name of a class, of which a lying source could make anything. */
export function className(value: string): string {
  return shown(value, 32).text;
}

/** Prepares a stranger's text: a description, a label, an endpoint. */
export function shown(value: string, longest = MAX_SHOWN): Shown {
  const warnings: string[] = [];
  // A bounded part is looked at: the text can have megabytes.
  const part = value.slice(0, longest * 4);
  const visible = part.replaceAll(HIDDEN, "\u{FFFD}");
  if (visible !== part) warnings.push("has hidden characters, shown as \u{FFFD}");
  const letters = Array.from(visible)
    .filter((character) => LETTER.test(character))
    .join("");
  const used = scripts.filter(([, script]) => script.test(letters)).map(([name]) => name);
  if (used.length > 1) warnings.push(`mixes ${used.join(" and ")} letters that look alike`);
  else if (letters !== "" && used[0] !== "Latin") warnings.push("is not in Latin letters");
  const characters = Array.from(visible);
  if (value.length <= longest * 4 && characters.length <= longest)
    return { text: visible, warnings };
  warnings.push(`is cut: it has ${value.length} characters`);
  return { text: `${characters.slice(0, longest).join("")}…`, warnings };
}
