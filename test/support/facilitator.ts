import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { readExactPayload } from "../../src/protocol/x402.ts";
import { transferCall } from "../../src/provider/gateway/pay/authorizations.ts";

/** What a facilitator is asked. */
export interface Asked {
  path: string;
  body: {
    paymentPayload: {
      resource: { url: string };
      accepted: { network: string; extra: object };
      payload: unknown;
    };
    paymentRequirements: { asset: `0x${string}`; extra: object };
  };
}
type Answer = object | "silence" | "reset" | "noise";
type Behaviour = (asked: Asked, settle: () => Promise<string>) => Answer | Promise<Answer>;

/** A facilitator over HTTP that behaves as a test says; an honest one unless told otherwise. */
export class FakeFacilitator {
  readonly asked: Asked[] = [];
  verify: Behaviour = () => ({ isValid: true });
  settle: Behaviour = async (_, settle) => ({
    success: true,
    transaction: await settle(),
    network: "",
  });
  readonly #server: Server;
  readonly #network: string;
  readonly #sender: TransactionSender;

  private constructor(network: string, sender: TransactionSender) {
    this.#network = network;
    this.#sender = sender;
    this.#server = createServer((request, response) => {
      void text(request).then(async (body) => {
        const answer = await this.#answer(request.url ?? "", body);
        if (answer === "silence") return;
        if (answer === "reset") request.socket.resetAndDestroy();
        else if (answer === "noise") response.end("x".repeat(100_000));
        else response.end(JSON.stringify(answer));
      });
    });
  }

  static async start(network: string, sender: TransactionSender): Promise<FakeFacilitator> {
    const facilitator = new FakeFacilitator(network, sender);
    facilitator.#server.listen(0, "127.0.0.1");
    await once(facilitator.#server, "listening");
    return facilitator;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/x402/`);
  }

  /** How often a path was asked. */
  count(path: string): number {
    return this.asked.filter((asked) => asked.path === `/x402/${path}`).length;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(path: string, body: string): Promise<Answer> {
    if (path.endsWith("/supported")) {
      return { kinds: [{ x402Version: 2, scheme: "exact", network: this.#network }] };
    }
    const asked = { path, body: JSON.parse(body) as Asked["body"] };
    this.asked.push(asked);
    const settle = () => this.execute(asked);
    return path.endsWith("/verify") ? this.verify(asked, settle) : this.settle(asked, settle);
  }

  /** Executes what was asked; the transaction's hash. */
  async execute({ body }: Asked): Promise<string> {
    const payload = readExactPayload(body.paymentPayload.payload);
    const call = transferCall(body.paymentRequirements.asset, payload);
    return (await this.#sender.send(call)).transactionHash;
  }
}
