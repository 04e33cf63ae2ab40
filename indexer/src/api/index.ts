import { db } from "ponder:api";
import schema from "ponder:schema";
import { Hono } from "hono";
import { client, graphql } from "ponder";
import { isEmbedded } from "../settings.ts";
import { joinWrites, type Writer } from "./joinedWrites.ts";
import { tuneSession, type Session } from "./session.ts";

const app = new Hono();

if (isEmbedded) {
  // PGlite has one session for all: what is set here counts for Ponder's writes. SQL of a handler would end Ponder's
  // knowledge of which rows there are, and cost a query for each row that is new.
  const { $client: session } = db as unknown as { $client: Session };
  await tuneSession(session);
  // Where `ponder:api` has its `db` from.
  const { PONDER_DATABASE: database } = globalThis as unknown as {
    PONDER_DATABASE: { syncQB: Writer };
  };
  joinWrites(database.syncQB, session);
} else {
  app.use("/sql/*", client({ db, schema }));
}
app.use("/graphql", graphql({ db, schema }));

export default app;
