import type { Hex } from "viem";
import type { Directory, ServiceFacts } from "../../chain/directory.ts";
import { checkRecord, type VerifiedRecord } from "../../protocol/checkRecord.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { Name } from "../../protocol/name.ts";
import type { Endpoint } from "../../protocol/record.ts";
import { rootServiceId } from "../../protocol/serviceId.ts";
import type { Domain } from "../../protocol/typedData.ts";
import type { Answer } from "../answer.ts";
import { answerFromJson } from "../answerSchema.ts";
import { answerOf } from "../cache/entry.ts";
import { inactiveService, unknownService } from "../errors.ts";
import { numberOfId } from "../ids.ts";
import { checkName, readName } from "../lookup/names.ts";
import type { Random } from "../order.ts";

const LIES = "The resolver lies or is faulty: use another one.";

/** The data against which an answer is checked. */
export interface VerifyContext {
  /** Reads the chain through the caller's own RPC endpoint. */
  directory: Pick<Directory, "facts" | "numberOf">;
  /** `blockcloudDomain` of the deployment. */
  domain: Domain;
  /** Unix milliseconds. */
  now: number;
  /**
   * Delegations to the sub-service that were issued up to this time are revoked, if known; Unix milliseconds.
   */
  revokedUpTo?: bigint | undefined;
  /** Draws the order of the endpoints. */
  random?: Random;
}

/** A field of a resolver's answer that the chain may not confirm. */
export type UnconfirmedField = "status" | "stake" | "verdicts";

/** A verified answer. */
export interface VerifiedAnswer {
  /**
   * Endpoints and times from the signed record, and the service's state from the caller's chain. `source` and
   * `superseded` come from the resolver and are not verified.
   */
  answer: Answer;
  checked: VerifiedRecord;
  /** Fields that differ from the caller's chain: the resolver may lie, or may have read another block. */
  unconfirmed: readonly UnconfirmedField[];
}

/**
 * Verifies a resolver's answer: the record against the newest key on chain, a sub-service's delegation, a
 * name against the chain or the root's name record, endpoints and times against the record, verdicts against
 * the chain. A resolver can still refuse to answer, or serve an older record whose lease has not ended.
 *
 * @param json The answer in the form of `answerJsonSchema`, which `answerToJson` writes.
 * @param asked The requested name or ID.
 * @throws BlockcloudError `ANSWER_MALFORMED`; `ANSWER_UNSIGNED` for a rule of a service table;
 *   `ANSWER_SERVICE`, `ANSWER_NAME`, `ANSWER_ENDPOINTS`, `ANSWER_TIMES`, `ANSWER_FACTS` for false data;
 *   `SERVICE_UNKNOWN`, `SERVICE_INACTIVE`, `NAME_INVALID`; the errors of `checkRecord` and `checkName`;
 *   `CHAIN_UNREACHABLE`.
 */
export async function verifyAnswer(
  json: unknown,
  asked: string,
  context: VerifyContext,
): Promise<VerifiedAnswer> {
  const claimed = readAnswer(json);
  const { domain, now, directory, revokedUpTo, random = Math.random } = context;
  const { name, text } = readName(asked);
  const number = await numberOf(name, directory);
  if (numberOfId(claimed.serviceId) !== number) {
    throw lie("ANSWER_SERVICE", `${text} is of service ${number}, not ${claimed.serviceId}`);
  }
  const facts = await activeFacts(directory, number);
  const named = meaningOf(name, claimed, facts, context);
  if (named.serviceId !== claimed.serviceId) {
    throw lie("ANSWER_SERVICE", `${text} is ${named.serviceId}, not ${claimed.serviceId}`);
  }
  const itsName = name.kind === "id" ? undefined : text;
  if (claimed.name !== itsName && (itsName !== undefined || !isRawName(claimed.name, asked))) {
    throw lie("ANSWER_NAME", `It is of ${claimed.name ?? "no name"}`);
  }
  if (claimed.record === undefined) {
    throw new BlockcloudError("ANSWER_UNSIGNED", "It carries no signed record.", {
      remedy:
        "It comes from a rule of that resolver's service table: trust it, or use another resolver.",
    });
  }
  const checked = checkRecord(claimed.record, { domain, now, rootKey: facts.key, revokedUpTo });
  if (checked.record.serviceId.toLowerCase() !== claimed.serviceId) {
    throw lie("ANSWER_SERVICE", `Its record is of ${checked.record.serviceId}`);
  }
  const { source, superseded } = claimed;
  const own = answerOf(claimed.serviceId, checked, facts, { source, superseded }, random);
  const expiresAt = Math.min(own.expiresAt, named.expiresAt);
  const answer = { ...own, name: itsName, nameRecord: named.nameRecord, expiresAt };
  checkEndpoints(claimed.endpoints, checked.record.endpoints);
  if (claimed.issuedAt !== answer.issuedAt || claimed.expiresAt > expiresAt) {
    throw lie("ANSWER_TIMES", `From ${claimed.issuedAt} to ${claimed.expiresAt} ms, it says`);
  }
  return { answer, checked, unconfirmed: compareFacts(claimed.service, facts) };
}

/**
 * Checks on chain that the service of a name exists and is active. For a name below a label, it checks the
 * service that has the label.
 *
 * @throws BlockcloudError `NAME_INVALID`, `SERVICE_UNKNOWN`, `SERVICE_INACTIVE`, `CHAIN_UNREACHABLE`.
 */
export async function checkService(
  asked: string,
  directory: Pick<Directory, "facts" | "numberOf">,
): Promise<void> {
  await activeFacts(directory, await numberOf(readName(asked).name, directory));
}

function readAnswer(json: unknown): Answer {
  try {
    return answerFromJson(json);
  } catch (cause) {
    throw new BlockcloudError("ANSWER_MALFORMED", "The text is not an answer.", {
      cause,
      remedy: "Check that the URL is a resolver's, and its version.",
    });
  }
}

/** The number of the root service of a name, read from the chain. */
async function numberOf(name: Name, directory: Pick<Directory, "numberOf">): Promise<bigint> {
  if (name.kind === "id") return numberOfId(name.serviceId);
  const number = await directory.numberOf(name.label);
  if (number === undefined) throw unknownService(`named ${name.label}`);
  return number;
}

/** The service ID that a name means; for a name below a label, taken from the answer's name record. */
function meaningOf(
  name: Name,
  claimed: Answer,
  facts: ServiceFacts,
  { domain, now }: VerifyContext,
): { serviceId: Hex; nameRecord: Hex | undefined; expiresAt: number } {
  const always = { nameRecord: undefined, expiresAt: Infinity };
  const root = rootServiceId(facts.number);
  if (name.kind === "id") return { serviceId: name.serviceId, ...always };
  if (name.kind === "label") return { serviceId: root, ...always };
  const { nameRecord } = claimed;
  if (nameRecord === undefined) throw lie("ANSWER_NAME", "It carries no name record");
  const expected = { root, label: name.sub, rootKey: facts.key, domain, now };
  const { serviceId, expiresAt } = checkName(nameRecord, expected);
  return { serviceId, nameRecord, expiresAt: Number(expiresAt) };
}

async function activeFacts(
  directory: Pick<Directory, "facts">,
  number: bigint,
): Promise<ServiceFacts> {
  const facts = await directory.facts(number);
  if (facts === undefined) throw unknownService(`${number}`);
  if (facts.status !== "Active") throw inactiveService(number, facts.status);
  return facts;
}

/**
 * Checks that both have the same endpoints, ordered by priority number; the order within a priority is free.
 */
function checkEndpoints(claimed: readonly Endpoint[], signed: readonly Endpoint[]): void {
  const texts = (list: readonly Endpoint[]) =>
    list.map(({ uri, priority, weight }) => `${priority} ${weight} ${uri}`).sort();
  const isSame = texts(claimed).join("\n") === texts(signed).join("\n");
  const isOrdered = claimed.every(
    ({ priority }, index) => priority >= (claimed[index - 1]?.priority ?? 0),
  );
  if (isSame && isOrdered) return;
  throw lie("ANSWER_ENDPOINTS", "Its endpoints are not those of its record, in their order");
}

/** @throws BlockcloudError `ANSWER_FACTS` for differences that another block cannot explain. */
function compareFacts(claimed: ServiceFacts | undefined, facts: ServiceFacts): UnconfirmedField[] {
  if (claimed === undefined) return [];
  if (claimed.number !== facts.number || claimed.key !== facts.key) {
    throw lie("ANSWER_FACTS", `Service ${claimed.number} with the key ${claimed.key}, it says`);
  }
  const known = new Map(facts.verdicts.map(({ epoch, verdict }) => [epoch, verdict]));
  for (const { epoch, verdict } of claimed.verdicts) {
    // A final verdict never changes.
    if (known.has(epoch) && known.get(epoch) !== verdict) {
      throw lie("ANSWER_FACTS", `Verdict ${verdict} in epoch ${epoch}, it says`);
    }
  }
  const isKnown = claimed.verdicts.every(({ epoch }) => known.has(epoch));
  return [
    ...(claimed.status === facts.status ? [] : (["status"] as const)),
    ...(claimed.stake === facts.stake ? [] : (["stake"] as const)),
    ...(isKnown ? [] : (["verdicts"] as const)),
  ];
}

/** Whether an answer to a raw ID has the requested name, or no name. */
function isRawName(name: string | undefined, asked: string): boolean {
  return name === undefined || name === asked.toLowerCase().replace(/\.$/, "");
}

function lie(code: string, what: string): BlockcloudError {
  return new BlockcloudError(code, `${what}.`, { remedy: LIES });
}
