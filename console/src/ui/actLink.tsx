import type { ReactNode } from "react";
import { linkTo } from "../router.ts";

/** A link to an act of the wallet's page, with the values of its form. */
export function ActLink(props: {
  act: string;
  values?: Readonly<Record<string, string>>;
  children: ReactNode;
}) {
  const { act, values = {}, children } = props;
  return (
    <a className="act-link" href={linkTo(["acts", act], values)}>
      {children}
    </a>
  );
}
