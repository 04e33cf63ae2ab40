import { db } from "ponder:api";
import schema from "ponder:schema";
import { Hono } from "hono";
import { client, graphql, sql } from "ponder";
import { isEmbedded } from "../settings.ts";

// PGlite has one session, commits each statement by itself, and writes each commit to its file with the thread that
// indexes: half of the time of a backfill. Without that, the last commits before a kill may be missing, but never one
// before a later one: Ponder asks the chain for their blocks again. It is set here because SQL of a handler would end
// Ponder's knowledge of which rows there are, and cost a query for each row that is new.
if (isEmbedded) await db.execute(sql`SET synchronous_commit = off`);

const app = new Hono();

app.use("/graphql", graphql({ db, schema }));
app.use("/sql/*", client({ db, schema }));

export default app;
