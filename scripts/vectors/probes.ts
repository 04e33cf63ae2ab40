import { decodeBase64Url, encodeBase64Url } from "../../src/protocol/base64url.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { fillExchange, RANDOM_DIGITS } from "../../src/protocol/exchange.ts";
import { parseProbe, requestLine, suitsClass } from "../../src/protocol/probe.ts";
import type { Random } from "./random.ts";

/** Of DNS over TCP: a query for `{r}.bloc.alt`, in whose answer the name comes back after the header. */
const DNS_QUERY = encodeBase64Url(
  Buffer.concat([
    Buffer.from("002b000701000001000000000000", "hex"),
    Buffer.of(16),
    Buffer.from("{r}"),
    Buffer.from("04626c6f6303616c740000010001", "hex"),
  ]),
);

/** Specifications as they are on chain, one a line; those of unknown versions and invalid ones, too. */
const SPECIFICATIONS = [
  '{"v":1,"requests":[{"path":"/health"}]}',
  '{"v":2,"requests":[{"rpc":{"method":"eth_blockNumber"}}]}',
  '{"v":3,"requests":[{"path":"/health"},{"port":22,"expect":"SSH-2.0-"}]}',
  '{"v":3,"requests":[{"port":6379,"send":"ECHO {r}\\r\\n","expect":"$16\\r\\n{r}\\r\\n"}]}',
  '{"v":3,"requests":[{"send":"{r}{r}","expect":"\u00e9{r}"}]}',
  `{"v":3,"requests":[{"port":53,"send":{"base64url":"${DNS_QUERY}"},"expect":{"base64url":"ADsABw"}}]}`,
  '{"v":3,"requests":[{"port":53,"send":{"base64url":"AAE"},"expect":{"base64url":"AAE="}}]}',
  '{"v":3,"requests":[{"port":22,"expect":""}]}',
  '{"v":3,"requests":[{"port":22,"expect":"{r}"}]}',
  '{"v":3,"requests":[{"port":0,"expect":"a"}]}',
  '{"v":3,"requests":[{"port":65536,"expect":"a"}]}',
  '{"v":3,"requests":[{"port":22,"expect":"a","path":"/"}]}',
  '{"v":3,"requests":[]}',
  '{"v":2,"requests":[{"port":22,"expect":"a"}]}',
  '{"v":4,"requests":[{"path":"/"}]}',
  '{"v":4}',
  '{"v":0,"requests":[{"path":"/"}]}',
  '{"v":3.5,"requests":[{"path":"/"}]}',
  `{"v":3,"requests":[{"send":"${"{r}".repeat(250)}","expect":"${"{r}".repeat(6)}"}]}`,
  `{"v":3,"requests":[{"send":"${"{r}".repeat(250)}","expect":"${"{r}".repeat(5)}123456789012345"}]}`,
  `{"v":3,"requests":[{"send":"${"{r}".repeat(250)}","expect":"${"{r}".repeat(5)}12345678901234567"}]}`,
];
const CLASSES = ["http", "json-rpc", "tcp"];

/** Which specifications are read, what suits which class, and the bytes of exchanges. */
export function probeVectors(random: Random) {
  return {
    probes: SPECIFICATIONS.map((text) => {
      const digits = bytesToHex(random.bytes(RANDOM_DIGITS / 2)).slice(2);
      return { text, digits, ...readingOf(text, digits) };
    }),
    base64url: ["", "AA", "AB", "AAE", "AAE=", "A", "AA-_"].map((text) => {
      const bytes = decodeBase64Url(text);
      return { text, bytes: bytes === undefined ? null : bytesToHex(bytes) };
    }),
  };
}

function readingOf(text: string, digits: string) {
  try {
    const probe = parseProbe(new TextEncoder().encode(text));
    return {
      requests: probe.requests.map(requestLine),
      suits: CLASSES.filter((name) => suitsClass(probe, name)),
      exchanges: probe.requests.flatMap((request) => {
        if (!("expect" in request)) return [];
        const { send, expect } = fillExchange(request, digits);
        return [{ port: request.port, send: bytesToHex(send), expect: bytesToHex(expect) }];
      }),
    };
  } catch (error) {
    if (!(error instanceof BlockcloudError)) throw error;
    return { error: error.code };
  }
}
