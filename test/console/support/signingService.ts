import type { IncomingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Hex } from "viem";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import {
  encodeReceipt,
  httpChannel,
  ReceiptSigner,
  sha256,
} from "../../../src/protocol/receipt.ts";
import { encodeField, PAYMENT_FIELDS, PAYMENT_HEADER } from "../../../src/protocol/x402.ts";
import type { Domain } from "../../../src/protocol/typedData.ts";
import { serveLoopback } from "./loopback.ts";

/** How a service answers. */
export interface Manner {
  body: string;
  /** With which key it signs; undefined: not at all. */
  key: Hex | undefined;
  /** The status of its answers; 200 if it is left out. */
  status?: number;
  /** The fields of the newest request. */
  asked?: IncomingHttpHeaders;
  /** Signs another body than it sends. */
  signs?: string;
  /** What it answers with to a payment that it does not accept: the offers. */
  offers?: object[];
}

/** A service over HTTP whose receipts a test decides. */
export async function startSigningService(service: Hex, domain: Domain, manner: Manner) {
  const signer = new ReceiptSigner(domain);
  const state = { ...manner };
  const server = await serveLoopback((request, response) => {
    buffer(request)
      .then((sent) => {
        state.asked = request.headers;
        if (state.offers !== undefined && request.headers[PAYMENT_HEADER] !== undefined) {
          const required = encodeField({ x402Version: 2, accepts: state.offers });
          response.writeHead(402, { [PAYMENT_FIELDS.required]: required }).end();
          return;
        }
        const status = state.status ?? 200;
        const body = Buffer.from(state.body);
        const signed = Buffer.from(state.signs ?? state.body);
        const headers: Record<string, string | number> = {
          "content-type": "text/html",
          "content-length": body.length,
        };
        const nonce = request.headers["service-nonce"];
        if (state.key !== undefined && typeof nonce === "string") {
          const channel = httpChannel({
            method: request.method ?? "",
            target: request.url ?? "",
            requestDigest: sha256(sent),
            status,
            responseDigest: sha256(signed),
          });
          const issuedAt = BigInt(Date.now());
          const receipt = { serviceId: service, nonce: nonce as Hex, channel, issuedAt };
          headers["service-receipt"] = encodeReceipt(signer.sign(receipt, hexToBytes(state.key)));
        }
        response.writeHead(status, headers).end(body);
      })
      .catch(() => {
        response.destroy();
      });
  });
  return { ...server, state };
}
