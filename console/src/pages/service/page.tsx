import { isAddressEqual, zeroAddress } from "viem";
import { epochStart } from "@protocol/epoch.ts";
import { FromHere, PriceFromHere } from "../../call/ui/measured.tsx";
import { readServiceEpochs } from "../../chain/serviceEpochs.ts";
import { readService, type ServiceDetail } from "../../chain/service.ts";
import { useHead, useSources } from "../../context.tsx";
import { bloc, exactBloc, many } from "../../format.ts";
import type { PageError } from "../../failure.ts";
import type { ServiceEpochRow } from "../../model.ts";
import { linkTo } from "../../router.ts";
import { useRead } from "../../useRead.ts";
import { ActLink } from "../../ui/actLink.tsx";
import { Failure, Notice } from "../../ui/notice.tsx";
import { Waiting } from "../../ui/source.tsx";
import { Stat, Stats } from "../../ui/stat.tsx";
import { Id, TimeAgo } from "../../ui/text.tsx";
import { Label } from "../services/name.tsx";
import { Challenges } from "./challenges.tsx";
import { Facts } from "./facts.tsx";
import { CHAIN_EPOCHS, Grades } from "./grades.tsx";
import { Income } from "./income.tsx";
import { openPay } from "./openPay.ts";
import { Record } from "./record.tsx";

/** A service: grades, reasons, records and moves, pay, challenges. */
export default function ServicePage({ number }: { number: bigint }) {
  const sources = useSources();
  const head = useHead();
  const { value: service, failure } = useRead(`service ${number}`, head.number, () =>
    readService(sources, head, number),
  );
  if (service === undefined) {
    return (
      <>
        <h1>Service #{number.toString()}</h1>
        {failure === undefined ? <Waiting /> : <Failure failure={failure} />}
      </>
    );
  }
  return <Known service={service} failure={failure} />;
}

function Known({ service, failure }: { service: ServiceDetail; failure: PageError | undefined }) {
  const sources = useSources();
  const head = useHead();
  const epochs = useRead(`epochs of ${service.number}`, head.number, () =>
    readServiceEpochs(sources, head, service, CHAIN_EPOCHS),
  );
  return (
    <>
      <div className="page-head">
        <h1>
          Service #{service.number.toString()} <Label label={service.label} />
        </h1>
        <a className="button" href={linkTo(["call", service.number.toString()])}>
          Call it now
        </a>
      </div>
      {failure !== undefined && <Failure failure={failure} what="The newest read failed" />}
      <Standing service={service} />
      <Summary service={service} epochs={epochs.value} />
      <Grades service={service} chain={epochs} />
      <Income number={service.number} />
      <Record service={service} />
      <Challenges service={service} />
      <Facts service={service} />
    </>
  );
}

/** What the owner, or a user, must know now. */
function Standing({ service }: { service: ServiceDetail }) {
  const { epoch, timestamp } = useHead();
  const { status, firstEpoch, kind, stake, challenge } = service;
  return (
    <>
      {epoch < firstEpoch && (
        <Notice kind="info" title={`The service counts from epoch ${firstEpoch} on`} />
      )}
      {epoch >= firstEpoch && status.now !== "Active" && (
        <Notice
          kind="warning"
          title={`The service is ${status.now}: it is neither audited nor paid`}
        >
          {status.now === "Unstaked" &&
            `Its stake is ${bloc(stake.now)} BLOC; the class asks for ${bloc(kind.minimumStake)}. `}
          {status.next !== status.now && `Two epochs later it is ${status.next}. `}
          <Remedy service={service} />
        </Notice>
      )}
      {status.now === "Active" && status.next !== "Active" && (
        <Notice
          kind="warning"
          title={`The service will be ${status.next} from epoch ${epoch + 2} on`}
        >
          <Remedy service={service} />
        </Notice>
      )}
      {challenge !== undefined && (
        <Notice kind="warning" title={`Challenge ${challenge.id.toString()} is open`}>
          Opened in epoch {challenge.openedIn} by <Id value={challenge.challenger} />.{" "}
          {challenge.deadline === undefined ? (
            "Its question comes with the next recorded seed."
          ) : (
            <>
              The time to answer {challenge.deadline < timestamp ? "ended" : "ends"}{" "}
              <TimeAgo seconds={challenge.deadline} />.{" "}
              {challenge.deadline < timestamp && (
                <ActLink act="resolve" values={{ service: service.number.toString() }}>
                  Resolve it
                </ActLink>
              )}
            </>
          )}
        </Notice>
      )}
    </>
  );
}

/** The act that makes a service active again. */
function Remedy({ service }: { service: ServiceDetail }) {
  const { status, kind, stake } = service;
  const values = { service: service.number.toString() };
  switch (status.next) {
    case "Unstaked": {
      const missing = kind.minimumStake > stake.next ? kind.minimumStake - stake.next : 0n;
      return (
        <ActLink act="stake" values={{ ...values, amount: exactBloc(missing) }}>
          Stake {exactBloc(missing)} BLOC
        </ActLink>
      );
    }
    case "Maintenance":
      return (
        <ActLink act="maintenance" values={{ ...values, state: "off" }}>
          End maintenance
        </ActLink>
      );
    case "Suspended":
      return (
        <ActLink act="reinstate" values={values}>
          Reinstate it
        </ActLink>
      );
    case "Keyless":
      return (
        <ActLink act="key" values={values}>
          Set a key
        </ActLink>
      );
    default:
      return null;
  }
}

/** The open pay of final epochs, and the act that pays it. */
function OpenPay(props: {
  service: ServiceDetail;
  epochs: readonly ServiceEpochRow[] | undefined;
}) {
  const { service, epochs } = props;
  const { epoch } = useHead();
  const { deployment } = useSources().config;
  const open = openPay(epochs, service.settledThrough, epoch);
  if (open.epochs === 0) return "all final epochs";
  if (open.pay === 0n)
    return `nothing is to be paid for the ${many(open.epochs, "final epoch")} since`;
  return (
    <>
      the pay of {many(open.epochs, "final epoch")} is open
      {open.pay !== undefined && `: ${bloc(open.pay)} BLOC`}. That of epoch {open.first} can be
      settled until epoch {open.until}, which ends{" "}
      <TimeAgo seconds={epochStart(deployment, open.until + 1)} />. The provider&apos;s agent
      settles by itself while it runs.{" "}
      <ActLink act="settle" values={{ service: service.number.toString() }}>
        Settle
      </ActLink>
    </>
  );
}

function Summary(props: {
  service: ServiceDetail;
  epochs: readonly ServiceEpochRow[] | undefined;
}) {
  const { service, epochs } = props;
  const { kind, status, stake, redeemed, collectable, fee, settledThrough, owner, staker } =
    service;
  const values = { service: service.number.toString() };
  return (
    <Stats>
      <Stat name="Status" note={`class ${kind.name}`}>
        {status.now}
      </Stat>
      <Stat
        name="Stake"
        unit="BLOC"
        note={
          <>
            {stake.next !== stake.now && `${bloc(stake.next, 0)} two epochs later. `}
            Only <Id value={isAddressEqual(staker, zeroAddress) ? owner : staker} /> can:{" "}
            <ActLink act="stake" values={values}>
              Stake
            </ActLink>{" "}
            <ActLink act="unstake" values={values}>
              Unstake
            </ActLink>
          </>
        }
      >
        {bloc(stake.now, 0)}
      </Stat>
      <Stat name="Paid by users" unit="BLOC" note="redeemed vouchers, so far">
        {bloc(redeemed)}
      </Stat>
      <Stat
        name="To collect"
        unit="BLOC"
        note={
          <>
            after a fee of {bloc(fee)}
            {collectable > 0n && (
              <>
                .{" "}
                <ActLink act="collect-service" values={values}>
                  Collect
                </ActLink>
              </>
            )}
          </>
        }
      >
        {bloc(collectable)}
      </Stat>
      <Stat name="Settled through epoch" note={<OpenPay service={service} epochs={epochs} />}>
        {settledThrough}
      </Stat>
      <Stat
        name="Answers from here"
        note={
          <>
            price, BLOC: <PriceFromHere number={service.number} />
          </>
        }
      >
        <FromHere number={service.number} />
      </Stat>
    </Stats>
  );
}
