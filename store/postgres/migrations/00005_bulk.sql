-- +goose Up
-- Exports and imports, and what they make: sealed, so that it can be read at
-- the nodes alone. ended is in milliseconds since 1970, 0 while a job has not.
-- A job that is removed stands until its blocks are gone.
CREATE TABLE bulk_job(id text PRIMARY KEY, state bytea NOT NULL, ended bigint NOT NULL, stored bigint NOT NULL, holder text NOT NULL,
  expires timestamptz NOT NULL DEFAULT '-infinity', removed boolean NOT NULL DEFAULT false) WITH (fillfactor = 50);

CREATE TABLE bulk_block(job text NOT NULL, file text NOT NULL, n int NOT NULL, raw int NOT NULL, sealed bytea NOT NULL,
  PRIMARY KEY(job, file, n)) PARTITION BY HASH (job);
ALTER TABLE bulk_block ALTER sealed SET STORAGE EXTERNAL; -- it is compressed already
SELECT selda_partition('bulk_block');
