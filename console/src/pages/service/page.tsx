import { isAddressEqual, zeroAddress } from "viem";
import { readService, type ServiceDetail } from "../../chain/service.ts";
import { useHead, useSources } from "../../context.tsx";
import { bloc } from "../../format.ts";
import { linkTo } from "../../router.ts";
import { useRead } from "../../useRead.ts";
import { Failure, Notice } from "../../ui/notice.tsx";
import { Stat, Stats } from "../../ui/stat.tsx";
import { Foreign, Id, TimeAgo } from "../../ui/text.tsx";
import { milliseconds } from "../services/columns.tsx";
import { Label } from "../services/name.tsx";
import { Challenges } from "./challenges.tsx";
import { Grades } from "./grades.tsx";
import { Income } from "./income.tsx";
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
        {failure === undefined ? <p aria-busy="true">Reading…</p> : <Failure failure={failure} />}
      </>
    );
  }
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
      <Standing service={service} epoch={head.epoch} />
      <Summary service={service} />
      <Grades service={service} />
      <Income number={service.number} />
      <Record service={service} />
      <Challenges service={service} />
      <Facts service={service} />
    </>
  );
}

/** What the owner, or a user, must know now. */
function Standing({ service, epoch }: { service: ServiceDetail; epoch: number }) {
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
            `Its stake is ${bloc(stake.now)} BLOC; the class asks for ${bloc(kind.minimumStake)}.`}
          {status.next !== status.now && ` Two epochs later it is ${status.next}.`}
        </Notice>
      )}
      {status.now === "Active" && status.next !== "Active" && (
        <Notice
          kind="warning"
          title={`The service will be ${status.next} from epoch ${epoch + 2} on`}
        />
      )}
      {challenge !== undefined && (
        <Notice kind="warning" title={`Challenge ${challenge.id.toString()} is open`}>
          Opened in epoch {challenge.openedIn} by <Id value={challenge.challenger} />.{" "}
          {challenge.deadline === undefined ? (
            "Its question comes with the next recorded seed."
          ) : (
            <>
              The time to answer ends <TimeAgo seconds={challenge.deadline} />.
            </>
          )}
        </Notice>
      )}
    </>
  );
}

function Summary({ service }: { service: ServiceDetail }) {
  const { kind, status, stake, earned, collectable, fee, settledThrough } = service;
  return (
    <Stats>
      <Stat name="Status" note={`class ${kind.name}`}>
        {status.now}
      </Stat>
      <Stat
        name="Stake"
        unit="BLOC"
        note={stake.next === stake.now ? undefined : `${bloc(stake.next, 0)} two epochs later`}
      >
        {bloc(stake.now, 0)}
      </Stat>
      <Stat name="Paid by users" unit="BLOC" note="redeemed vouchers, so far">
        {bloc(earned)}
      </Stat>
      <Stat name="To collect" unit="BLOC" note={`after a fee of ${bloc(fee)}`}>
        {bloc(collectable)}
      </Stat>
      <Stat name="Settled through epoch" note="pay of later epochs is still to be settled">
        {settledThrough}
      </Stat>
    </Stats>
  );
}

function Facts({ service }: { service: ServiceDetail }) {
  const { id, owner, payout, key, kind, metadata, staker, unbonding } = service;
  const isKeyless = isAddressEqual(key.now, zeroAddress);
  return (
    <section>
      <h2>Settings</h2>
      <dl className="facts">
        <dt>Service ID</dt>
        <dd>
          <Id value={id} whole />
        </dd>
        <dt>Owner</dt>
        <dd>
          <Id value={owner} whole />
        </dd>
        <dt>Paid to</dt>
        <dd>
          <Id value={payout} whole />
        </dd>
        <dt>Service key</dt>
        <dd>
          {isKeyless ? "none" : <Id value={key.now} whole />}
          {key.next !== key.now && (
            <span className="muted">
              {" "}
              from two epochs later <Id value={key.next} />
            </span>
          )}
        </dd>
        <dt>Staker</dt>
        <dd>{isAddressEqual(staker, zeroAddress) ? "none" : <Id value={staker} whole />}</dd>
        <dt>Grades of the class</dt>
        <dd>
          excellent within {milliseconds(kind.excellentMs)}, good within {milliseconds(kind.goodMs)}
          , poor within {milliseconds(kind.poorMs)}
        </dd>
        <dt>Description</dt>
        <dd>
          {metadata === "" ? <span className="muted">none</span> : <Foreign value={metadata} />}
        </dd>
        {unbonding.map(({ amount, releaseAt }, index) => (
          <div key={index} className="facts-row">
            <dt>Unbonding</dt>
            <dd>
              {bloc(amount)} BLOC, <TimeAgo seconds={releaseAt} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
