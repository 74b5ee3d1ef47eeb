-- +goose Up
-- The accounts. Those of professionals are found by their organisation; of citizens
-- there are many. sealed is the id of the key that the body is sealed by.
CREATE TABLE account(username text COLLATE "C" NOT NULL, version bigint NOT NULL, role text NOT NULL, organisation text NOT NULL, words text NOT NULL,
  person text NOT NULL, sealed text NOT NULL, body bytea NOT NULL, PRIMARY KEY(username)) PARTITION BY HASH (username);
CREATE INDEX account_working ON account(username) WHERE organisation<>'';
CREATE INDEX account_organisation ON account(organisation, username) WHERE organisation<>'';
CREATE INDEX account_person ON account(person, username) WHERE person<>'';
CREATE INDEX account_sealed ON account(sealed);
SELECT selda_partition('account');

CREATE TABLE account_count(organisation text NOT NULL, role text NOT NULL, n bigint NOT NULL, PRIMARY KEY(organisation, role)) WITH (fillfactor = 50);
