import { isLabel } from "@protocol/label.ts";
import type { ServiceRow } from "../../model.ts";
import { linkTo } from "../../router.ts";
import { Foreign } from "../../ui/text.tsx";

/** A service's number and label, as a link to its page. */
export function ServiceName({ row }: { row: Pick<ServiceRow, "number" | "label"> }) {
  const { number, label } = row;
  return (
    <span className="service-name">
      <a href={linkTo(["services", number.toString()])} className="number">
        #{number.toString()}
      </a>{" "}
      <Label label={label} />
    </span>
  );
}

/** A label. One that the contract cannot have given is marked: it is a lie of the index or of the endpoint. */
export function Label({ label }: { label: string | undefined }) {
  if (label === undefined) return null;
  if (isLabel(label)) {
    return <span className="label">{label.length > 40 ? `${label.slice(0, 40)}…` : label}</span>;
  }
  return (
    <span className="warn">
      <Foreign value={label} longest={40} /> (not a valid label)
    </span>
  );
}
