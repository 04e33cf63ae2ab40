import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A server that notes the JSON that it gets. */
export interface WebhookReceiver {
  url: URL;
  got: unknown[];
  /** What it answers with. */
  status: number;
  /** Called before it answers. */
  before: () => unknown;
  close(): Promise<void>;
}

/** Starts one. */
export async function webhookReceiver(): Promise<WebhookReceiver> {
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      receiver.got.push(JSON.parse(body));
      await receiver.before();
      response.writeHead(receiver.status).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const receiver: WebhookReceiver = {
    url: new URL(`http://127.0.0.1:${port}/hook`),
    ...{ got: [], status: 204, before: () => undefined },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return receiver;
}
