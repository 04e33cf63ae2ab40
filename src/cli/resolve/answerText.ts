import { grades } from "../../protocol/tally.ts";
import { isRelayed } from "../../sal/relay/relayName.ts";
import { amount, facts, utc } from "../show/format.ts";
import type { Seen } from "../../resolver/sources.ts";

const sources = {
  coral: "the record network",
  announcement: "an announcement on chain",
  resolver: "another resolver",
  table: "a rule of the service table, which carries no signature",
} as const;

/** That an endpoint leads through a relay is what the record says: nothing proves it. */
function way(uri: string): string {
  return isRelayed(uri) ? "; relayed, as it says" : "";
}

/** Formats an answer for a terminal. */
export function answerText({ answer, verified, unconfirmed }: Seen): string {
  const { service, endpoints } = answer;
  const verdicts = service?.verdicts.map(
    ({ epoch, verdict }) => `${verdict === null ? "no quorum" : grades[verdict]} in ${epoch}`,
  );
  return [
    answer.name ?? answer.serviceId,
    facts([
      ["ID", answer.name === undefined ? undefined : answer.serviceId],
      ...endpoints.map(
        ({ uri, priority, weight }) =>
          ["endpoint", `${uri}, priority ${priority}, weight ${weight}${way(uri)}`] as const,
      ),
      ["until", utc(answer.expiresAt / 1000)],
      ["from", `${sources[answer.source]}${answer.superseded ? "; a newer one has expired" : ""}`],
      ["service", service && `${service.number}, ${service.status}, at block ${service.block}`],
      ["stake", service && `${amount(service.stake)} BLOC`],
      ["verdicts", verdicts?.length === 0 ? "none yet" : verdicts?.join(", ")],
      ["checked", verified ? "the record, against the key on chain" : "no"],
      ["not confirmed", unconfirmed.length === 0 ? undefined : unconfirmed.join(", ")],
    ]),
  ].join("\n");
}
