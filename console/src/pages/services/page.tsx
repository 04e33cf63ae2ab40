import { lazy } from "react";
import { usePlace } from "../../router.ts";
import { Notice } from "../../ui/notice.tsx";
import { Services } from "./list.tsx";

const Service = lazy(() => import("../service/page.tsx"));

/** The list of services, or one of them. */
export default function ServicesPage() {
  const {
    path: [, number],
  } = usePlace();
  if (number === undefined) return <Services />;
  if (!/^[1-9]\d{0,18}$/.test(number)) {
    return (
      <Notice kind="warning" title="Not a service">
        A service has a number from 1 on.
      </Notice>
    );
  }
  return <Service key={number} number={BigInt(number)} />;
}
