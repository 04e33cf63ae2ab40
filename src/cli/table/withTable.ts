import { tableFile, TableStore } from "../../resolver/table/tableStore.ts";

/** Opens the service table of a state folder for the duration of a command. */
export function withTable<T>(stateDir: string, run: (store: TableStore) => T): T {
  const store = new TableStore(tableFile(stateDir));
  try {
    return run(store);
  } finally {
    store.close();
  }
}
