import { atLeast, type Outcome } from "./report.ts";
import { measureSingleFlow, singleFlowTable, singleFlowVsTls } from "./sal/singleFlow.ts";

/** The benchmark `sal` without its other parts, for work on the path of bytes. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const results = await measureSingleFlow(say);
  return {
    results: { ...results },
    tables: [singleFlowTable(results)],
    targets: [atLeast("singleFlowVsTls", singleFlowVsTls(results), "of bare TLS", 0.85)],
  };
}
