-- +goose Up
-- The transparency log over the trail: tiles of 256 hashes, and the latest checkpoint.
CREATE TABLE trail_tile(level int NOT NULL, n bigint NOT NULL, hashes bytea NOT NULL, PRIMARY KEY(level, n)) PARTITION BY HASH (n);
ALTER TABLE trail_tile ALTER hashes SET STORAGE EXTERNAL;
SELECT selda_partition('trail_tile');
CREATE TABLE trail_tree(id int PRIMARY KEY CHECK (id = 1), note bytea NOT NULL) WITH (fillfactor = 10);
