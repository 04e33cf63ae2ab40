/**
 * The body of a response, of which no more is held than is allowed.
 *
 * @param most Bytes.
 * @param tooLong The error for more.
 */
export async function boundedBytes(
  response: Response,
  most: number,
  tooLong: () => Error,
): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const piece = await reader?.read();
    if (piece === undefined || piece.done) break;
    length += piece.value.length;
    if (length > most) {
      await reader?.cancel();
      throw tooLong();
    }
    pieces.push(piece.value);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

/** The body of a response as text, bounded in bytes like {@link boundedBytes}. */
export async function boundedText(
  response: Response,
  most: number,
  tooLong: () => Error,
): Promise<string> {
  return new TextDecoder().decode(await boundedBytes(response, most, tooLong));
}
