import { getAddress, isAddress } from "viem";
import { usePlace } from "../../router.ts";
import { Notice } from "../../ui/notice.tsx";
import { Auditor } from "./auditor.tsx";
import { Auditors } from "./list.tsx";

/** The list of auditors, or one of them. */
export default function AuditorsPage() {
  const {
    path: [, address],
  } = usePlace();
  if (address === undefined) return <Auditors />;
  if (!isAddress(address, { strict: false })) {
    return (
      <Notice kind="warning" title="Not an auditor">
        An auditor has an address: 0x and 40 hexadecimal digits.
      </Notice>
    );
  }
  const auditor = getAddress(address);
  return <Auditor key={auditor} auditor={auditor} />;
}
