-- The index of ordered values. What a transaction wrote lies in one row of fresh, under its last n, until it is put
-- into runs.
CREATE TABLE IF NOT EXISTS fresh(n INTEGER PRIMARY KEY, count INTEGER NOT NULL, entries BLOB NOT NULL);
-- Versions with entries that are in force no more, and since when.
CREATE TABLE IF NOT EXISTS ended(item INTEGER NOT NULL, version INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(item, version)) WITHOUT ROWID;
