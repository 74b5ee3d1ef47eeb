-- +goose Up
-- The truth. A table that grows is partitioned by a hash of the column that it
-- is looked up by, which is in its key: the subject, wherever that is known
-- (DESIGN.md). Times are milliseconds since 1970, clinical ones seconds.

-- +goose StatementBegin
CREATE FUNCTION selda_partition(t text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parts int := coalesce(nullif(current_setting('selda.partitions', true), ''), '8')::int;
BEGIN
  FOR i IN 0..parts-1 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)', t || '_' || i, t, parts, i);
  END LOOP;
END $$;
-- +goose StatementEnd

-- The last numbers given. Its one row is the region's writing lock: who holds
-- it may commit, so that the order of n is the order of commits.
CREATE TABLE head(id int PRIMARY KEY CHECK (id = 1), n bigint NOT NULL, item bigint NOT NULL, subject bigint NOT NULL, citizen bigint NOT NULL,
  event bigint NOT NULL, review bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO head VALUES (1, 0, 0, 0, 0, 0, 0);

CREATE TABLE secret(name text PRIMARY KEY, value bytea NOT NULL);

CREATE TABLE source(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, registered bigint NOT NULL);

-- n is that of the subject's last change: what a cached compartment is checked against.
CREATE TABLE subject(id bigint PRIMARY KEY, source int NOT NULL, n bigint NOT NULL) PARTITION BY HASH (id);
SELECT selda_partition('subject');

CREATE TABLE identity(system text NOT NULL, value text NOT NULL, source int NOT NULL, subject bigint NOT NULL, verified boolean NOT NULL,
  n bigint NOT NULL, PRIMARY KEY(value, system, source, subject)) PARTITION BY HASH (value);
CREATE INDEX identity_subject ON identity(subject);
SELECT selda_partition('identity');

-- flags: 1 deleted, 2 final
CREATE TABLE resource(subject bigint NOT NULL, type smallint NOT NULL, item bigint NOT NULL, version int NOT NULL, n bigint NOT NULL, at bigint NOT NULL,
  source int NOT NULL, dataset smallint NOT NULL, labels bigint NOT NULL, flags smallint NOT NULL, clinical bigint, reported bigint,
  message bigint NOT NULL, id text, body bytea, PRIMARY KEY(subject, type, item, version)) PARTITION BY HASH (subject);
ALTER TABLE resource ALTER body SET STORAGE EXTERNAL; -- it is compressed already
SELECT selda_partition('resource');

-- What a version is found by across citizens: hashes of its search tokens, and
-- beside them what the predicate asks of. It was in force from n until another n.
CREATE TABLE posting(subject bigint NOT NULL, item bigint NOT NULL, version int NOT NULL, n bigint NOT NULL, until bigint, type smallint NOT NULL,
  source int NOT NULL, dataset smallint NOT NULL, labels bigint NOT NULL, flags smallint NOT NULL, at bigint NOT NULL, reported bigint, id text,
  tokens bigint[] NOT NULL, PRIMARY KEY(subject, item, version)) PARTITION BY HASH (subject);
-- What has just been written is looked through by each search until it is
-- merged: nodes see to that (merge.go), and the limit is for when they can't, in kB.
CREATE INDEX posting_tokens ON posting USING gin (tokens) WITH (fastupdate = on, gin_pending_list_limit = 512);
CREATE INDEX posting_type ON posting(type, item);
SELECT selda_partition('posting');

-- Where a resource is, and what of its version in force is asked most.
CREATE TABLE locator(item bigint PRIMARY KEY, subject bigint NOT NULL, type smallint NOT NULL, version int NOT NULL, source int NOT NULL,
  flags smallint NOT NULL, id text) PARTITION BY HASH (item);
SELECT selda_partition('locator');

-- Ids that a source system chose itself.
CREATE TABLE alias(id text NOT NULL, type smallint NOT NULL, item bigint NOT NULL, PRIMARY KEY(id, type)) PARTITION BY HASH (id);
SELECT selda_partition('alias');

-- What a source calls a resource: a hash of source, type and key. The item may be one that was only referred to yet.
CREATE TABLE key(hash uuid PRIMARY KEY, item bigint NOT NULL) PARTITION BY HASH (hash);
SELECT selda_partition('key');

-- The log: what each commit changed.
CREATE TABLE change(n bigint PRIMARY KEY, at bigint NOT NULL, source int NOT NULL, message bigint NOT NULL, items bytea) PARTITION BY HASH (n);
SELECT selda_partition('change');

-- state: 0 stored, 1 quarantined, 2 duplicate, 3 refused
CREATE TABLE message(id bigint PRIMARY KEY, source int NOT NULL, format text NOT NULL, received bigint NOT NULL, state smallint NOT NULL, n bigint,
  event text, control text, hash uuid, reason text, place text, steps bytea) PARTITION BY HASH (id);
CREATE INDEX message_control ON message(control) WHERE control IS NOT NULL;
CREATE INDEX message_hash ON message(hash);
CREATE INDEX message_quarantined ON message(id) WHERE state = 1;
SELECT selda_partition('message');

-- How many messages of a source were received in an hour since 1970, and the last of them.
CREATE TABLE heard(source int NOT NULL, hour bigint NOT NULL, messages bigint NOT NULL, last bigint NOT NULL, PRIMARY KEY(source, hour)) WITH (fillfactor = 50);

-- The master patient index: which subjects are one citizen, by n.
CREATE TABLE link(subject bigint NOT NULL, from_n bigint NOT NULL, to_n bigint, citizen bigint NOT NULL, event bigint NOT NULL,
  PRIMARY KEY(subject, from_n)) PARTITION BY HASH (subject);
CREATE INDEX link_citizen ON link(citizen, subject);
SELECT selda_partition('link');
CREATE TABLE link_event(id bigint PRIMARY KEY, n bigint NOT NULL, at bigint NOT NULL, kind text NOT NULL, rule text NOT NULL, reason text NOT NULL,
  message bigint NOT NULL, moves text NOT NULL, undone bigint) PARTITION BY HASH (id);
SELECT selda_partition('link_event');
CREATE TABLE review(id bigint PRIMARY KEY, n bigint NOT NULL, at bigint NOT NULL, subject bigint NOT NULL, other bigint NOT NULL, rule text NOT NULL,
  reason text NOT NULL, state text NOT NULL, UNIQUE(subject, other, rule));
CREATE TABLE severed(a bigint NOT NULL, b bigint NOT NULL, n bigint NOT NULL, PRIMARY KEY(a, b));

-- What users have stated of one citizen: a declared relationship, a break-glass.
CREATE TABLE claim(subject bigint NOT NULL, id bigint NOT NULL, username text NOT NULL, organisation text NOT NULL, emergency boolean NOT NULL,
  reason text NOT NULL, from_at bigint NOT NULL, to_at bigint NOT NULL, PRIMARY KEY(subject, id)) PARTITION BY HASH (subject);
SELECT selda_partition('claim');
