/**
 * The text of a response, of which no more is held than is allowed.
 *
 * @param most Characters.
 * @param tooLong The error for more.
 */
export async function boundedText(
  response: Response,
  most: number,
  tooLong: () => Error,
): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    if (done) return text;
    text += value;
    if (text.length > most) {
      await reader?.cancel();
      throw tooLong();
    }
  }
}
