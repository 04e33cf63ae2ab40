import type { Socket } from "node:net";

/**
 * Ends a TCP connection by RST, so that its peer cannot take what it has received for the whole: a FIN would say
 * that nothing is missing.
 */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  // While a FIN is being handed to the kernel, libuv refuses the reset and the socket would stay open.
  const isEnding = socket.writableEnded && socket.writableLength === 0;
  if (isEnding && !socket.writableFinished) {
    socket.once("finish", () => {
      reset(socket);
    });
    return;
  }
  socket.resetAndDestroy();
}
