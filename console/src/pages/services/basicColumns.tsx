import { bloc } from "../../format.ts";
import type { ServiceRow } from "../../model.ts";
import type { Column } from "../../ui/table.tsx";
import { GradeStrip } from "../../ui/text.tsx";
import { ServiceName } from "./name.tsx";

/** Columns that each table of services has. */
export const basicColumns = {
  service: {
    key: "service",
    title: "Service",
    cell: (row) => <ServiceName row={row} />,
    sort: ({ number }) => number,
  },
  class: {
    key: "class",
    title: "Class",
    cell: ({ kind }) => kind?.name ?? "–",
    sort: ({ kind }) => kind?.name ?? "",
  },
  verdicts: {
    key: "verdicts",
    title: "Last verdicts",
    cell: ({ verdicts }) => <GradeStrip epochs={verdicts} />,
  },
  stake: {
    key: "stake",
    title: "Stake, BLOC",
    cell: ({ stake }) => bloc(stake, 0),
    sort: ({ stake }) => stake,
    isNumber: true,
  },
} satisfies Record<string, Column<ServiceRow>>;
