-- +goose Up
-- The index of ordered values. What a transaction wrote lies in one row of fresh, under its last n, until it is put
-- into runs: of one key each, so many entries a row. upto says until which n the key's entries are in its runs.
CREATE TABLE fresh(n bigint PRIMARY KEY, entries bytea NOT NULL);
ALTER TABLE fresh ALTER entries SET STORAGE MAIN;

CREATE TABLE run(key bigint NOT NULL, made bigint NOT NULL, first int NOT NULL, upto bigint NOT NULL, count int NOT NULL, entries bytea NOT NULL,
  PRIMARY KEY(key, made, first)) PARTITION BY HASH (key);
ALTER TABLE run ALTER entries SET STORAGE EXTERNAL; -- it is compressed already
SELECT selda_partition('run');

-- Versions with entries that are in force no more, and since when.
CREATE TABLE ended(item bigint NOT NULL, version int NOT NULL, n bigint NOT NULL, PRIMARY KEY(item, version)) PARTITION BY HASH (item);
SELECT selda_partition('ended');

-- Which making of the runs counts: the one that was made last.
CREATE TABLE ordered(id int PRIMARY KEY CHECK (id = 1), made bigint NOT NULL);
INSERT INTO ordered VALUES (1, 0);
