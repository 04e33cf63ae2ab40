import { hexToString, keccak256, parseEventLogs, toHex, type Hex } from "viem";
import { abis } from "../../../../src/protocol/abis.ts";
import { bytesToHex } from "../../../../src/protocol/bytes.ts";
import { HORIZON } from "../../../../src/protocol/epoch.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { encodeProbe } from "../../../../src/protocol/probe.ts";
import { contractsOf } from "../../chain/contracts.ts";
import type { Act, ActContext, Field } from "../act.ts";
import { addressOf, bloc, blocOf, boundedOf, probeOf, serviceOf, wholeOf } from "../values.ts";
import { service } from "./fields.ts";

const key: Field = {
  name: "key",
  label: "Address of the service key",
  kind: "address",
  hint: "It signs receipts and records. Its private key belongs on the provider's machine only.",
  required: true,
};
const probe: Field = {
  name: "probe",
  label: "Probe specification",
  kind: "long",
  hint: "How auditors inspect the service, as JSON.",
  initial: '{"v":1,"requests":[{"path":"/"}]}',
  required: true,
};
const metadata: Field = {
  name: "metadata",
  label: "URI of a description",
  kind: "text",
  hint: "At most 256 bytes; it may be empty.",
};
/** `ServiceRecords.MAX_METADATA`, bytes. */
const MAX_METADATA = 256;
const LATER = "two epochs from now";

/** A class by its number. */
async function classOf({ client, deployment }: ActContext, classId: number) {
  const { registry } = contractsOf(deployment);
  const count = await client.readContract({ ...registry, functionName: "classCount" });
  if (BigInt(classId) >= count) {
    throw new BlockcloudError("CLASS_UNKNOWN", `There is no class ${classId}.`, {
      remedy: `Choose a class from 0 to ${count - 1n}.`,
    });
  }
  const kind = await client.readContract({ ...registry, functionName: "classAt", args: [classId] });
  return { ...kind, name: hexToString(kind.name, { size: 32 }) };
}

const register: Act = {
  id: "register",
  group: "Service",
  title: "Register a service",
  about: "Burns the class's fee and stakes. The service is active two epochs later.",
  fields: [
    {
      name: "class",
      label: "Class",
      kind: "choice",
      required: true,
      initial: "0",
      options: [
        { value: "0", label: "http" },
        { value: "1", label: "json-rpc" },
        { value: "2", label: "tcp" },
      ],
    },
    { name: "stake", label: "Stake, BLOC", kind: "bloc", initial: "1000", required: true },
    key,
    probe,
    metadata,
  ],
  async plan(values, context) {
    const classId = wholeOf(values, "class");
    const stake = blocOf(values, "stake");
    const signer = addressOf(values, "key");
    const specification = probeOf(values, "probe");
    const uri = boundedOf(values, "metadata", MAX_METADATA);
    const kind = await classOf(context, classId);
    if (stake < kind.minimumStake) {
      throw new BlockcloudError(
        "STAKE_BELOW_MINIMUM",
        `A stake of ${bloc(stake)} does not make a service of the class ${kind.name} active.`,
        { remedy: `Stake at least ${bloc(kind.minimumStake)}.` },
      );
    }
    const encoded = bytesToHex(encodeProbe(specification, kind.name));
    return {
      title: `register a service of the class ${kind.name}`,
      call: {
        contract: "registry",
        functionName: "register",
        args: [classId, signer, encoded, uri, stake],
      },
      takes: stake + kind.registrationFee,
      moves: { burned: kind.registrationFee, staked: stake },
      outcome: [`the service is active ${LATER}`],
      result({ logs }) {
        const abi = abis.registry;
        const [event] = parseEventLogs({ abi, eventName: "ServiceRegistered", logs });
        return event && { text: `Service ${event.args.number} is registered.` };
      },
    };
  },
};

const setKey: Act = {
  id: "key",
  group: "Service",
  title: "Replace the service key",
  about: "Counts two epochs later for audits, and at once for records. It also ends Keyless.",
  fields: [service, key],
  async plan(values, { client, deployment }) {
    const number = serviceOf(values);
    const signer = addressOf(values, "key");
    const { registry } = contractsOf(deployment);
    const epoch = await client.readContract({ ...registry, functionName: "currentEpoch" });
    const args = [number, epoch + HORIZON] as const;
    const present = await client.readContract({ ...registry, functionName: "keyAt", args });
    if (present === signer) throw already(`${signer} is the key of service ${number}.`);
    return {
      title: `replace the key of service ${number}`,
      call: { contract: "registry", functionName: "setKey", args: [number, signer] },
      outcome: [
        `${signer} signs receipts ${LATER}, and records at once`,
        "keep the old key until the challenges of its time are closed",
      ],
    };
  },
};

const setProbe: Act = {
  id: "probe",
  group: "Service",
  title: "Replace the probe specification",
  about: "Auditors use it two epochs later.",
  fields: [service, probe],
  async plan(values, context) {
    const number = serviceOf(values);
    const specification = probeOf(values, "probe");
    const { client, deployment } = context;
    const { registry } = contractsOf(deployment);
    const classId = await client.readContract({
      ...registry,
      functionName: "classOf",
      args: [number],
    });
    const kind = await classOf(context, classId);
    const encoded: Hex = bytesToHex(encodeProbe(specification, kind.name));
    const epoch = await client.readContract({ ...registry, functionName: "currentEpoch" });
    const args = [number, epoch + HORIZON] as const;
    const [present] = await client.readContract({ ...registry, functionName: "probeAt", args });
    if (present === keccak256(encoded)) throw already(`Service ${number} has this specification.`);
    return {
      title: `replace the probe of service ${number}`,
      call: { contract: "registry", functionName: "setProbe", args: [number, encoded] },
      outcome: [`auditors use it ${LATER}`],
    };
  },
};

const maintenance: Act = {
  id: "maintenance",
  group: "Service",
  title: "Begin or end maintenance",
  about: "A service in maintenance is not audited, not paid and not challenged. Its stake stays.",
  fields: [
    service,
    {
      name: "state",
      label: "Maintenance",
      kind: "choice",
      required: true,
      initial: "on",
      options: [
        { value: "on", label: "begin" },
        { value: "off", label: "end" },
      ],
    },
  ],
  plan(values) {
    const number = serviceOf(values);
    const on = values.state === "on";
    return Promise.resolve({
      title: `${on ? "begin" : "end"} maintenance of service ${number}`,
      call: { contract: "registry", functionName: "setMaintenance", args: [number, on] },
      outcome: [
        on
          ? `${LATER} the service is not audited and earns nothing; keep it running until then`
          : `${LATER} the service is active again, unless another status applies`,
      ],
    });
  },
};

const reinstate: Act = {
  id: "reinstate",
  group: "Service",
  title: "Reinstate a suspended service",
  about: "Ends a suspension at no cost. Find out first why it was suspended.",
  fields: [service],
  plan(values) {
    const number = serviceOf(values);
    return Promise.resolve({
      title: `reinstate service ${number}`,
      call: { contract: "registry", functionName: "reinstate", args: [number] },
      outcome: [`${LATER} the service is active again, unless another status applies`],
    });
  },
};

const transfer: Act = {
  id: "transfer",
  group: "Service",
  title: "Transfer a service",
  about: "The stake unbonds to its staker, and the new owner sets a key and stakes.",
  fields: [service, { name: "to", label: "New owner", kind: "address", required: true }],
  async plan(values, { client, deployment, account }) {
    const number = serviceOf(values);
    const to = addressOf(values, "to");
    const { registry, staking } = contractsOf(deployment);
    const epoch = await client.readContract({ ...registry, functionName: "currentEpoch" });
    const [stake] = await client.readContract({
      ...staking,
      functionName: "serviceStakeAt",
      args: [number, epoch + HORIZON],
    });
    if (to === account) throw already(`${to} sends the transaction itself.`);
    return {
      title: `transfer service ${number} to ${to}`,
      call: { contract: "registry", functionName: "safeTransferFrom", args: [account, to, number] },
      moves: { unbonding: stake },
      outcome: [
        `pay that is not settled goes to ${to}: settle it first`,
        `${LATER} the service has no key and no stake`,
        "the label stays with the service",
      ],
    };
  },
};

const setMetadata: Act = {
  id: "metadata",
  group: "Service",
  title: "Replace the description",
  about: "Counts at once.",
  fields: [service, metadata],
  plan(values) {
    const number = serviceOf(values);
    const uri = boundedOf(values, "metadata", MAX_METADATA);
    return Promise.resolve({
      title: `describe service ${number}`,
      call: { contract: "registry", functionName: "setMetadata", args: [number, uri] },
      outcome: [
        uri === ""
          ? "the service has no description"
          : `the description has ${toHex(uri).length / 2 - 1} bytes`,
      ],
    });
  },
};

const setPayout: Act = {
  id: "payout",
  group: "Service",
  title: "Set the payout address",
  about: "Gets the pay of all epochs that are not settled yet, and bonds.",
  fields: [service, { name: "payout", label: "Payout address", kind: "address", required: true }],
  plan(values) {
    const number = serviceOf(values);
    const payout = addressOf(values, "payout");
    return Promise.resolve({
      title: `pay service ${number} to ${payout}`,
      call: { contract: "registry", functionName: "setPayout", args: [number, payout] },
      outcome: [`${payout} gets all pay that is not settled yet`],
    });
  },
};

const retire: Act = {
  id: "retire",
  group: "Service",
  title: "Retire a service",
  about: "Ends the service for ever. Its number and its label are never given out again.",
  fields: [
    service,
    {
      name: "again",
      label: "The number again",
      kind: "service",
      hint: "A retirement cannot be undone.",
      required: true,
    },
  ],
  plan(values) {
    const number = serviceOf(values);
    if (serviceOf(values, "again") !== number) {
      throw new BlockcloudError("NOT_CONFIRMED", "The two numbers differ.", {
        remedy: "Give the number of the service twice: a retirement cannot be undone.",
      });
    }
    return Promise.resolve({
      title: `retire service ${number} for ever`,
      call: { contract: "registry", functionName: "retire", args: [number] },
      outcome: ["all stake unbonds to its staker", "the service is Retired for ever"],
    });
  },
};

function already(what: string): BlockcloudError {
  return new BlockcloudError("ALREADY_SO", what, { remedy: "There is nothing to do." });
}

export const serviceActs: readonly Act[] = [
  register,
  setKey,
  setProbe,
  maintenance,
  reinstate,
  setMetadata,
  setPayout,
  transfer,
  retire,
];
