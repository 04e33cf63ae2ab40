import type { RequestListener } from "node:http";
import type { Socket } from "node:net";
import type { Hex } from "viem";
import type { Inspection } from "../../src/auditor/inspection/inspection.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import type { HttpProbe } from "../../src/protocol/probe.ts";
import {
  encodeReceipt,
  httpChannel,
  ReceiptSigner,
  sha256,
  type SignedReceipt,
} from "../../src/protocol/receipt.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { transportOf } from "../../src/protocol/transport.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { DEPLOYMENT } from "./fakeChain.ts";
import { ProviderRig } from "./providerRig.ts";

export const SERVICE_KEY: Hex = `0x${"4b".repeat(32)}`;
export const receipts = new ReceiptSigner(
  blockcloudDomain(BigInt(DEPLOYMENT.chainId), DEPLOYMENT.contracts.registry),
);
/** When the services of these tests date their receipts, milliseconds. */
export const ISSUED_AT = 1_700_000_050_000;

/** What a service answers, and how it may cheat with the receipt. */
export interface Script {
  status?: number;
  body?: string | Buffer;
  headers?: Record<string, string>;
  receipt?: (honest: SignedReceipt) => SignedReceipt | string | undefined;
  key?: Hex;
  /** In the trailer instead of the header. */
  inTrailer?: boolean;
  /** Runs before the answer. */
  before?: () => void;
}

/** Services on loopback that sign receipts by hand. */
export class ServiceRig {
  readonly #rig = new ProviderRig();
  /** Requests that came: method, target, headers. */
  readonly asked: { method: string; target: string; headers: NodeJS.Dict<string | string[]> }[] =
    [];

  /** Starts a service that follows a script; gives its URL. */
  async serve(script: Script | ((body: string) => Script) = {}): Promise<string> {
    return this.listen((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const { method = "", url: target = "", headers } = request;
        this.asked.push({ method, target, headers });
        const now = typeof script === "function" ? script(Buffer.concat(parts).toString()) : script;
        now.before?.();
        const { status = 200, body = "" } = now;
        const channel = httpChannel({
          method,
          target,
          requestDigest: sha256(Buffer.concat(parts)),
          status,
          responseDigest: sha256(Buffer.from(body)),
        });
        const receipt = sign(now, headers["service-nonce"] as Hex | undefined, channel);
        const carried = receipt === undefined ? {} : { "service-receipt": receipt };
        response.writeHead(status, {
          ...now.headers,
          ...(now.inTrailer ? { trailer: "service-receipt" } : carried),
        });
        if (now.inTrailer) {
          response.write(body);
          response.addTrailers(carried);
          response.end();
        } else response.end(body);
      });
    });
  }

  async listen(listener: RequestListener): Promise<string> {
    return (await this.#rig.upstream(listener)).url.href;
  }

  async listenRaw(onRequest: (socket: Socket) => void): Promise<string> {
    const url = await this.#rig.rawUpstream((socket) => {
      socket.once("data", () => {
        onRequest(socket);
      });
    });
    return url.href;
  }

  close(): Promise<void> {
    this.asked.splice(0);
    return this.#rig.close();
  }
}

function sign(script: Script, nonce: Hex | undefined, channel: Hex): string | undefined {
  if (nonce === undefined) return undefined;
  const honest = receipts.sign(
    { serviceId: rootServiceId(7n), nonce, channel, issuedAt: BigInt(ISSUED_AT) },
    hexToBytes(script.key ?? SERVICE_KEY),
  );
  const sent = script.receipt ? script.receipt(honest) : honest;
  return typeof sent === "object" ? encodeReceipt(sent) : sent;
}

/** A request that an honest service answers. */
export const REQUEST: HttpProbe = {
  method: "GET",
  path: "/health?full=1",
  headers: {},
  status: 200,
};

/** An inspection of service 7 that an honest service passes. */
export function inspectionOf(endpoint: string, over: Partial<Inspection> = {}): Inspection {
  return {
    serviceId: rootServiceId(7n),
    key: addressOfKey(SERVICE_KEY),
    approach: { transport: transportOf({ uri: endpoint }) ?? "http", endpoints: [endpoint] },
    request: REQUEST,
    nonce: () => `0x${"a1".repeat(32)}`,
    resumes: false,
    bounds: { excellentMs: 500, goodMs: 2_000, poorMs: 10_000 },
    timeMs: 60_000,
    issuedWithin: { from: ISSUED_AT - 1_000, to: ISSUED_AT + 1_000 },
    allowLoopback: true,
    ...over,
  };
}
