-- +goose Up
-- The last transaction of each process that writes, by which it learns whether
-- its commit came where the answer to it was lost.
CREATE TABLE writer(holder text PRIMARY KEY, serial bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()) WITH (fillfactor = 50);
