import { isAddressEqual, zeroAddress } from "viem";
import type { ServiceDetail } from "../../chain/service.ts";
import { useHead } from "../../context.tsx";
import { bloc, milliseconds } from "../../format.ts";
import { ActLink } from "../../ui/actLink.tsx";
import { Foreign, Id, TimeAgo } from "../../ui/text.tsx";

/** The settings of a service, each with the act that changes it. */
export function Facts({ service }: { service: ServiceDetail }) {
  const { id, owner, payout, key, kind, metadata, staker, unbonding } = service;
  const { timestamp } = useHead();
  const values = { service: service.number.toString() };
  const isKeyless = isAddressEqual(key.now, zeroAddress);
  return (
    <section>
      <div className="section-head">
        <h2>Settings</h2>
        <p className="act-links">
          {service.label === undefined && (
            <ActLink act="label" values={values}>
              Take a label
            </ActLink>
          )}
          <ActLink act="probe" values={values}>
            Set the probe
          </ActLink>
          <ActLink act="maintenance" values={{ ...values, state: "on" }}>
            Begin maintenance
          </ActLink>
          <ActLink act="transfer" values={values}>
            Transfer
          </ActLink>
          <ActLink act="retire" values={values}>
            Retire
          </ActLink>
        </p>
      </div>
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
          <Id value={payout} whole />{" "}
          <ActLink act="payout" values={values}>
            Change
          </ActLink>
        </dd>
        <dt>Service key</dt>
        <dd>
          {isKeyless ? "none" : <Id value={key.now} whole />}
          {key.next !== key.now && (
            <span className="muted">
              {" "}
              from two epochs later <Id value={key.next} />
            </span>
          )}{" "}
          <ActLink act="key" values={values}>
            Replace
          </ActLink>
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
          {metadata === "" ? <span className="muted">none</span> : <Foreign value={metadata} />}{" "}
          <ActLink act="metadata" values={values}>
            Change
          </ActLink>
        </dd>
        {unbonding.map(({ amount, releaseAt }, index) => (
          <div key={index} className="facts-row">
            <dt>Unbonding</dt>
            <dd>
              {bloc(amount)} BLOC, <TimeAgo seconds={releaseAt} />{" "}
              {releaseAt <= timestamp && (
                <ActLink act="withdraw-service-stake" values={values}>
                  Withdraw
                </ActLink>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
