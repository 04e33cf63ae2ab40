import { isLabel } from "@protocol/label.ts";
import type { ServiceRow } from "../../model.ts";
import { linkTo } from "../../router.ts";
import { Foreign } from "../../ui/text.tsx";

/** A service's number and label, as a link to its page. A label that the contract cannot have given is marked. */
export function ServiceName({ row }: { row: Pick<ServiceRow, "number" | "label"> }) {
  const { number, label } = row;
  return (
    <span className="service-name">
      <a href={linkTo(["services", number.toString()])} className="number">
        #{number.toString()}
      </a>{" "}
      {label !== undefined &&
        (isLabel(label) ? (
          <span className="label">{label.length > 40 ? `${label.slice(0, 40)}…` : label}</span>
        ) : (
          <span className="warn">
            <Foreign value={label} longest={40} /> (not a valid label)
          </span>
        ))}
    </span>
  );
}
