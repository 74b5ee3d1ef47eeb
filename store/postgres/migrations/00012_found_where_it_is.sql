-- +goose Up
-- What a version is found by across citizens stands with the version: a table of
-- its own for that took 310 bytes a resource, and a second row for each write.
-- Columns are in the order in which they take the least. labels is NULL for
-- none, tokens of a deletion. A version is in force until there is another.

-- +goose StatementBegin
DO $$
DECLARE p text;
BEGIN
  PERFORM set_config('selda.partitions', (SELECT count(*) FROM pg_inherits WHERE inhparent='resource'::regclass)::text, true);
  ALTER TABLE resource RENAME TO resource_before;
  ALTER INDEX resource_pkey RENAME TO resource_before_pkey;
  FOR p IN SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid=inhrelid WHERE inhparent='resource_before'::regclass LOOP
    EXECUTE format('ALTER TABLE %I RENAME TO %I', p, p || '_before');
    EXECUTE format('ALTER INDEX %I RENAME TO %I', p || '_pkey', p || '_before_pkey');
  END LOOP;
END $$;
-- +goose StatementEnd

CREATE TABLE resource(subject bigint NOT NULL, item bigint NOT NULL, n bigint NOT NULL, at bigint NOT NULL, message bigint NOT NULL,
  version int NOT NULL, source int NOT NULL, type smallint NOT NULL, dataset smallint NOT NULL, flags smallint NOT NULL, labels bigint,
  clinical bigint, reported bigint, id text, tokens int[], body bytea, PRIMARY KEY(subject, type, item, version)) PARTITION BY HASH (subject);
ALTER TABLE resource ALTER body SET STORAGE EXTERNAL; -- it is compressed already
SELECT selda_partition('resource');

INSERT INTO resource(subject, item, n, at, message, version, source, type, dataset, flags, labels, clinical, reported, id, tokens, body)
  SELECT r.subject, r.item, r.n, r.at, r.message, r.version, r.source, r.type, r.dataset, r.flags, nullif(r.labels, 0), r.clinical, r.reported, r.id,
    CASE WHEN p.item IS NULL THEN NULL ELSE ARRAY(SELECT (t >> 32)::int FROM unnest(p.tokens) t) END, r.body
  FROM resource_before r LEFT JOIN posting p ON p.subject=r.subject AND p.item=r.item AND p.version=r.version
  ORDER BY r.subject, r.type, r.item, r.version;
DROP TABLE resource_before, posting;

-- What has just been written is looked through by each search until it is
-- merged: nodes see to that (merge.go), and the limit is for when they can't, in kB.
CREATE INDEX resource_tokens ON resource USING gin (tokens) WITH (fastupdate = on, gin_pending_list_limit = 512);
CREATE INDEX resource_type ON resource(type, item);
