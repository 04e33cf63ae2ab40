/** A response. A stream ends when its client closes the connection, or only its own half. */
export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body?: string | Uint8Array | ReadableStream<Uint8Array> | undefined;
}

/**
 * A response with a body that is sent to many requests: its fields are listed and its body is measured once.
 * The server adds none of its own fields.
 */
export class PreparedResponse {
  readonly status: number;
  /** Alternating names and values, Content-Length among them. */
  readonly fields: readonly string[];
  readonly body: string | Uint8Array;
  /** Bytes of the body. */
  readonly length: number;
  /** Node writes the head and a text in one text. ASCII is the same in both encodings, and Latin-1 is only copied. */
  readonly encoding: "latin1" | "utf8";

  constructor(status: number, fields: readonly string[], body: string | Uint8Array) {
    this.status = status;
    this.body = body;
    this.length = Buffer.byteLength(body);
    this.fields = [...fields, "content-length", String(this.length)];
    this.encoding = this.length === body.length ? "latin1" : "utf8";
  }
}

/** Header fields as a list of alternating names and values. */
export function fieldList(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flat();
}

/** A response, or one that is ready. */
export type AnyResponse = HttpResponse | PreparedResponse;
