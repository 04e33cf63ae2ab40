/** Least length of a text that is taken out: shorter ones are in any text. */
const LEAST = 6;

/** Takes secrets out of texts that another program wrote. */
export class Redactor {
  readonly #secrets: readonly string[];

  /** @param secrets Also URLs: their user, password and query are taken out on their own. */
  constructor(secrets: readonly string[]) {
    const parts = secrets.flatMap((secret) => [secret, ...partsOf(secret)]);
    // The longest first: a part of one must not break up another.
    this.#secrets = [...new Set(parts)]
      .filter((part) => part.length >= LEAST)
      .sort((a, b) => b.length - a.length);
  }

  clean(text: string): string {
    return this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, "…"), text);
  }
}

function partsOf(secret: string): string[] {
  if (!URL.canParse(secret)) return [];
  const { username, password, search } = new URL(secret);
  const texts = [password, search.slice(1), `${username}:${password}`];
  return [...texts, ...texts.map((text) => decoded(text))];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A percent sign that encodes nothing stands for itself.
  }
}
