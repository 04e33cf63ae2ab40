/** The changes of the schema, in order. */
export const MIGRATIONS = [
  `CREATE TABLE payments (
     asset TEXT NOT NULL, payer TEXT NOT NULL, nonce TEXT NOT NULL,
     header BLOB NOT NULL, asked TEXT NOT NULL, digest BLOB,
     settlement TEXT NOT NULL, run TEXT NOT NULL, transaction_hash TEXT,
     ends_at INTEGER NOT NULL, keep_until INTEGER NOT NULL,
     status INTEGER, headers TEXT, body BLOB, bytes INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (asset, payer, nonce)
   ) STRICT;
   CREATE INDEX payments_by_keep ON payments (keep_until);
   CREATE INDEX payments_pending ON payments (payer, ends_at) WHERE settlement IN ('none', 'given');
   CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), payments INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
   INSERT INTO totals VALUES (1, 0, 0);
   CREATE TRIGGER added AFTER INSERT ON payments
     BEGIN UPDATE totals SET payments = payments + 1, bytes = bytes + new.bytes; END;
   CREATE TRIGGER grown AFTER UPDATE OF bytes ON payments
     BEGIN UPDATE totals SET bytes = bytes + new.bytes - old.bytes; END;
   CREATE TRIGGER removed AFTER DELETE ON payments
     BEGIN UPDATE totals SET payments = payments - 1, bytes = bytes - old.bytes; END`,
  `CREATE TABLE payers (payer TEXT PRIMARY KEY, payments INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO payers SELECT payer, count(*) FROM payments GROUP BY payer;
   CREATE INDEX payments_of_payer ON payments (payer, keep_until);
   CREATE TRIGGER added_of_payer AFTER INSERT ON payments BEGIN
     INSERT INTO payers VALUES (new.payer, 1) ON CONFLICT DO UPDATE SET payments = payments + 1; END;
   CREATE TRIGGER removed_of_payer AFTER DELETE ON payments BEGIN
     UPDATE payers SET payments = payments - 1 WHERE payer = old.payer;
     DELETE FROM payers WHERE payer = old.payer AND payments = 0; END`,
  `ALTER TABLE payments ADD COLUMN payload TEXT;
   ALTER TABLE payments ADD COLUMN review_at INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX payments_to_review ON payments (review_at) WHERE payload IS NOT NULL AND settlement = 'paid'`,
];
