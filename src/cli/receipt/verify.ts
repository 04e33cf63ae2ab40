import { readFileSync, statSync } from "node:fs";
import type { Address, Hex } from "viem";
import { readMoment } from "../../chain/views/contracts.ts";
import { findService } from "../../chain/views/serviceView.ts";
import { Services } from "../../chain/services.ts";
import { fileFault } from "../../node/fileFault.ts";
import { checkReceipt } from "../../protocol/checkReceipt.ts";
import { epochAt } from "../../protocol/epoch.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import {
  decodeReceipt,
  EMPTY_DIGEST,
  httpChannel,
  isNonce,
  ReceiptSigner,
  sha256,
} from "../../protocol/receipt.ts";
import { parseServiceId, rootServiceId } from "../../protocol/serviceId.ts";
import { blockcloudDomain } from "../../protocol/typedData.ts";
import { chainCommand } from "../framework/chainCommand.ts";
import { document, file, text } from "../framework/flag.ts";
import { anyText, refine, wholeNumber } from "../framework/values.ts";
import { facts } from "../show/format.ts";

/** Largest body that is read, bytes: the largest response that a gateway signs as a whole. */
const MAX_BYTES = 256 * 1024 ** 2;
/** How far a receipt may be dated ahead of the chain's newest block, milliseconds. */
const MAX_AHEAD_MS = 60_000;
const NO_SELF = /^0x0{40}$/;

const nonce = refine<Hex>(
  (given) => (isNonce(given) ? (given.toLowerCase() as Hex) : undefined),
  "Give the nonce that was sent: 0x and 64 hexadecimal digits.",
);
const target = anyText.regex(
  /^\/[\x21-\x7e]*$/,
  "Give path and query as sent, for example /a?b=1.",
);
const method = anyText.regex(/^[A-Z]{1,32}$/, "Give the method in upper case, for example GET.");

/** `blockcloud receipt verify` */
export const receiptVerify = chainCommand({
  args: {
    receipt: document("<receipt>", "value of the header Service-Receipt, or @file", anyText, {
      required: true,
    }),
  },
  flags: {
    service: text("--service <number, label or ID>", "service that was asked", anyText, {
      required: true,
    }),
    nonce: text("--nonce <hex>", "the Service-Nonce that was sent", nonce, { required: true }),
    method: text("--method <name>", "method of the request", method, { default: "GET" }),
    target: text("--target <path>", "path and query of the request, as sent", target, {
      required: true,
    }),
    requestBody: file("--request-body <file>", "body that was sent, if there was one", anyText, {}),
    status: text("--status <code>", "status of the response", wholeNumber(100, 599), {
      default: "200",
    }),
    responseBody: file(
      "--response-body <file>",
      "body of the response, as it came, in no coding (default: an empty one)",
      anyText,
      {},
    ),
  },
  examples: [
    `blockcloud receipt verify @receipt --service 1 --target /LICENSE --response-body body \\\n--nonce 0x${"a1".repeat(32)}`,
  ],
  notes: `It compares service, nonce, request and response with the receipt, and its signer with the key that the
chain names for the epoch of its date. The exit code is 0 only if the receipt proves the response.`,
  async run({ args, flags, client, deployment, output }) {
    const receipt = decodeReceipt(args.receipt.trim());
    const service = await serviceIdOf(flags.service, (name) =>
      findService(client, deployment, name),
    );
    const moment = await readMoment(client, deployment);
    const at = Number(receipt.issuedAt) / 1000;
    const channel = httpChannel({
      method: flags.method,
      target: flags.target,
      requestDigest: digestOf(flags.requestBody),
      status: flags.status,
      responseDigest: digestOf(flags.responseBody),
    });
    const { prefix, self } = parseServiceId(service);
    const isRoot = NO_SELF.test(self);
    const key: Address = isRoot
      ? await new Services(client, deployment).key(prefix, Math.max(0, epochAt(deployment, at)))
      : self;
    checkReceipt(
      receipt,
      {
        serviceId: service,
        nonce: flags.nonce,
        channel,
        key,
        issuedWithin: {
          from: deployment.genesis * 1000,
          to: moment.timestamp * 1000 + MAX_AHEAD_MS,
        },
      },
      new ReceiptSigner(
        blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry),
      ),
    );
    const issuedAt = new Date(Number(receipt.issuedAt)).toISOString();
    output.print(
      { valid: true, serviceId: service, key, issuedAt, nonce: receipt.nonce, channel },
      [
        "the receipt proves the response",
        facts([
          ["service", service],
          [
            "signed by",
            `${key}, ${isRoot ? "the service's key of that epoch" : "the sub-service's own key"}`,
          ],
          ["issued at", issuedAt],
        ]),
      ].join("\n"),
    );
    return undefined;
  },
});

/** The ID of a service that is named by number, label or ID. */
async function serviceIdOf(name: string, find: (name: string) => Promise<bigint>): Promise<Hex> {
  if (/^0x/i.test(name)) {
    const id = name.toLowerCase() as Hex;
    parseServiceId(id);
    return id;
  }
  return rootServiceId(await find(name));
}

function digestOf(body: string | undefined): Uint8Array {
  if (body === undefined) return EMPTY_DIGEST;
  try {
    if (statSync(body).size <= MAX_BYTES) return sha256(readFileSync(body));
  } catch (error) {
    throw fileFault(error) ?? error;
  }
  throw new BlockcloudError("BODY_TOO_LARGE", `${body} is longer than ${MAX_BYTES} bytes.`, {
    remedy: "Check the receipt of a longer body with checkReceipt of blockcloud/protocol.",
  });
}
