/** What a GraphQL query may ask for at most; docs/indexer.md names the bounds. */
export interface QueryBounds {
  maxRows: number;
  maxDepth: number;
  maxTokens: number;
}

export const queryBounds: QueryBounds = { maxRows: 10_000, maxDepth: 8, maxTokens: 1_000 };
/** Rows of a page that names no limit. */
const DEFAULT_LIMIT = 50;
/** What only a page has. */
const PAGE_PARTS: ReadonlySet<string> = new Set(["items", "pageInfo", "totalCount"]);
/** What a count of a page's rows, and a look at the schema, count as: rows that are read for one. */
const COUNT_ROWS = 10;
const SCHEMA_ROWS = 5_000;

/** Why a query is not run; undefined if it may be. */
export type QueryFault =
  | "it cannot be read"
  | "it is no query"
  | "it has a fragment or a directive"
  | "it has too many words"
  | "it is nested too deeply"
  | "it asks for too many rows";

const TOKEN =
  /[\s,\uFEFF]+|#[^\n\r]*|("""(?:\\"""|(?!\\?""")[\s\S])*"""|"(?:[^"\\\n\r]|\\.)*")|(\.\.\.|[!$&():=@[\]{|}])|([_A-Za-z]\w*)|(-?\d[\w.+-]*)/gy;

/**
 * Bounds a query before it runs: nested pages multiply, and a few words can ask for a million rows.
 *
 * @param variables The values of its variables, for limits that a variable gives.
 */
export function queryFault(
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
  bounds: QueryBounds = queryBounds,
): QueryFault | undefined {
  const tokens = tokensOf(query, bounds.maxTokens);
  if (typeof tokens === "string") return tokens;
  if (tokens.includes("...") || tokens.includes("@")) return "it has a fragment or a directive";
  try {
    const { rows, depth } = new Reader(tokens, variables).operation();
    if (depth > bounds.maxDepth) return "it is nested too deeply";
    return rows > bounds.maxRows ? "it asks for too many rows" : undefined;
  } catch (error) {
    if (error instanceof Unreadable) return error.fault;
    throw error;
  }
}

class Unreadable extends Error {
  readonly fault: QueryFault;

  constructor(fault: QueryFault = "it cannot be read") {
    super(fault);
    this.fault = fault;
  }
}

function tokensOf(query: string, most: number): string[] | QueryFault {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < query.length) {
    const found = TOKEN.exec(query);
    if (found === null) return "it cannot be read";
    const [, text, sign, name, number] = found;
    const token = text === undefined ? (sign ?? name ?? number) : '"';
    if (token !== undefined) tokens.push(token);
    if (tokens.length > most) return "it has too many words";
  }
  return tokens;
}

interface Size {
  rows: number;
  depth: number;
}

/** Reads one anonymous or named query, and adds up what its pages ask for. */
class Reader {
  readonly #tokens: readonly string[];
  readonly #variables: Readonly<Record<string, unknown>>;
  #at = 0;
  readonly #defaults = new Map<string, number>();

  constructor(tokens: readonly string[], variables: Readonly<Record<string, unknown>>) {
    this.#tokens = tokens;
    this.#variables = variables;
  }

  operation(): Size {
    if (this.#peek() !== "{") {
      if (this.#next() !== "query") throw new Unreadable("it is no query");
      if (isName(this.#peek())) this.#next();
      if (this.#peek() === "(") this.#declarations();
    }
    const size = this.#selection(1);
    if (this.#peek() !== undefined) throw new Unreadable();
    return size;
  }

  /** Fields of a selection; `times` is the number of rows that each of them stands for. */
  #selection(times: number): Size {
    this.#expect("{");
    const size = { rows: 0, depth: 1 };
    while (this.#peek() !== "}") {
      const inner = this.#field(times);
      size.rows += inner.rows;
      size.depth = Math.max(size.depth, inner.depth + 1);
    }
    this.#next();
    return size;
  }

  #field(times: number): Size {
    let name = this.#name();
    if (this.#peek() === ":") {
      this.#next();
      name = this.#name();
    }
    const limit = this.#peek() === "(" ? this.#arguments() : undefined;
    if (this.#peek() !== "{") return { rows: 0, depth: 0 };
    const parts = this.#parts();
    // A page's rows are under `items`; its own field says how many. All other objects are single ones.
    const isPage = limit !== undefined || (!PAGE_PARTS.has(name) && isPageOf(parts));
    // A page without rows is a query of the database, too.
    const page = Math.max(1, limit ?? DEFAULT_LIMIT);
    const own = isPage ? page : name.startsWith("__") ? SCHEMA_ROWS : name === "items" ? 0 : 1;
    const counts = parts.filter((part) => part === "totalCount").length * COUNT_ROWS;
    const inner = this.#selection(isPage ? times * page : times);
    return { rows: times * (own + counts) + inner.rows, depth: inner.depth };
  }

  /** The names of the fields of the selection that begins here, without those below them. */
  #parts(): string[] {
    const parts: string[] = [];
    let depth = 0;
    for (let at = this.#at; at < this.#tokens.length; at++) {
      const token = this.#tokens[at];
      if (token === "{" || token === "(") depth += 1;
      if (token === "}" || token === ")") depth -= 1;
      if (depth === 0) break;
      // An alias is no field.
      if (depth === 1 && isName(token) && this.#tokens[at + 1] !== ":") parts.push(token);
    }
    return parts;
  }

  /** Skips arguments; returns the value of `limit`. */
  #arguments(): number | undefined {
    let limit: number | undefined;
    let depth = 0;
    do {
      const token = this.#next();
      if (token === "(" || token === "{" || token === "[") depth += 1;
      if (token === ")" || token === "}" || token === "]") depth -= 1;
      if (depth === 1 && token === "limit" && this.#peek() === ":") {
        this.#next();
        limit = this.#number();
      }
    } while (depth > 0);
    return limit;
  }

  #number(): number {
    const token = this.#next();
    const value = token === "$" ? this.#variable(this.#name()) : Number(token);
    if (!Number.isInteger(value) || value < 0) throw new Unreadable();
    return value;
  }

  #variable(name: string): number {
    const given = Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined;
    // A null that is given takes the place of the variable's default.
    if (given === null) return DEFAULT_LIMIT;
    return Number(given ?? this.#defaults.get(name) ?? DEFAULT_LIMIT);
  }

  /** `($limit: Int = 20, $number: BigInt!)` */
  #declarations(): void {
    this.#expect("(");
    while (this.#peek() !== ")") {
      this.#expect("$");
      const name = this.#name();
      this.#expect(":");
      while (this.#peek() !== ")" && this.#peek() !== "$") {
        if (this.#next() === "=") {
          const value = Number(this.#peek());
          if (Number.isInteger(value)) this.#defaults.set(name, value);
        }
      }
    }
    this.#next();
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #next(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new Unreadable();
    this.#at += 1;
    return token;
  }

  #name(): string {
    const token = this.#next();
    if (!isName(token)) throw new Unreadable();
    return token;
  }

  #expect(token: string): void {
    if (this.#next() !== token) throw new Unreadable();
  }
}

/** Whether these are fields of a page; one that asks only for its type's name may be one. */
function isPageOf(parts: readonly string[]): boolean {
  return parts.some((part) => PAGE_PARTS.has(part)) || parts.every((part) => part === "__typename");
}

function isName(token: string | undefined): token is string {
  return token !== undefined && /^[_A-Za-z]/.test(token);
}
