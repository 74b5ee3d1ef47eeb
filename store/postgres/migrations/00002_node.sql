-- +goose Up
-- What nodes share, so that a node holds no state.

-- Who does what: a holder has a lease until it expires. Each new holder gets
-- the next fence; what an older one still writes is refused.
CREATE TABLE lease(name text PRIMARY KEY, holder text NOT NULL, fence bigint NOT NULL, expires timestamptz NOT NULL) WITH (fillfactor = 50);

-- +goose StatementBegin
CREATE FUNCTION selda_hold(lease_name text, lease_holder text, lease_fence bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM lease WHERE name = lease_name AND holder = lease_holder AND fence = lease_fence FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the lease is another''s by now: %', lease_name USING ERRCODE = 'SE001';
  END IF;
END $$;
-- +goose StatementEnd

-- The raw messages as they came, by the node that received them. A node commits
-- its own in order; its position is the end of what it has committed.
CREATE SEQUENCE raw_block INCREMENT BY 1024;
CREATE SEQUENCE node_number;
CREATE TABLE raw(id bigint PRIMARY KEY, node bigint NOT NULL, record bytea NOT NULL) PARTITION BY HASH (id);
ALTER TABLE raw ALTER record SET STORAGE EXTERNAL;
CREATE INDEX raw_node ON raw(node, id);
SELECT selda_partition('raw');
CREATE TABLE journal(node bigint PRIMARY KEY, position bigint NOT NULL, ended boolean NOT NULL DEFAULT false) WITH (fillfactor = 50);

-- The audit trail: one chain for the region. head is its last entry.
CREATE TABLE trail(seq bigint PRIMARY KEY, hash bytea NOT NULL, entry bytea NOT NULL, at bigint NOT NULL, citizen text, username text NOT NULL,
  organisation text NOT NULL, action text NOT NULL) PARTITION BY HASH (seq);
CREATE INDEX trail_citizen ON trail(citizen, seq) WHERE citizen IS NOT NULL;
CREATE INDEX trail_user ON trail(username, seq);
CREATE INDEX trail_organisation ON trail(organisation, action, seq);
SELECT selda_partition('trail');
-- +goose StatementBegin
CREATE FUNCTION selda_trail_at(known_seq bigint, known_hash bytea) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM trail_head WHERE id = 1 AND seq = known_seq AND hash = known_hash FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another node has appended to the trail' USING ERRCODE = 'SE002';
  END IF;
END $$;
-- +goose StatementEnd
CREATE TABLE trail_head(id int PRIMARY KEY CHECK (id = 1), seq bigint NOT NULL, hash bytea NOT NULL, proof bytea NOT NULL) WITH (fillfactor = 10);

-- Small documents that every node reads: accounts, keys, mappings, what came of extracts.
CREATE TABLE document(name text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, content bytea NOT NULL);

-- Sign-on: what is only worth something for minutes. A lost one is signed in again.
-- Without content it has ended, which is remembered for a while.
CREATE UNLOGGED TABLE passing(kind text NOT NULL, key text NOT NULL, content bytea, expires timestamptz NOT NULL, PRIMARY KEY(kind, key));
CREATE INDEX passing_expires ON passing(expires);
