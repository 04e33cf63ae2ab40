import assert from "node:assert/strict";
import { boundedBytes, boundedText } from "../../console/src/bounded.ts";

const tooLong = () => new RangeError("too long");

describe("console: bounded bodies", () => {
  it("counts bytes, and reads a character that two pieces share", async () => {
    const text = "aé€😀";
    const bytes = new TextEncoder().encode(text);
    const inPieces = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start(controller) {
            for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
            controller.close();
          },
        }),
      );
    assert.equal(await boundedText(inPieces(), bytes.length, tooLong), text);
    assert.deepEqual(await boundedBytes(inPieces(), bytes.length, tooLong), bytes);
    await assert.rejects(boundedText(inPieces(), bytes.length - 1, tooLong), RangeError);
  });

  it("reads no further than the bound", async () => {
    const pulled = { pieces: 0, cancelled: false };
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled.pieces += 1;
        controller.enqueue(new Uint8Array(10));
      },
      cancel() {
        pulled.cancelled = true;
      },
    });
    await assert.rejects(boundedBytes(new Response(endless), 25, tooLong), RangeError);
    assert.equal(pulled.cancelled, true);
    assert.ok(pulled.pieces <= 4);
  });

  it("takes a response without a body", async () => {
    assert.equal(await boundedText(new Response(null, { status: 204 }), 0, tooLong), "");
  });
});
