-- +goose Up
-- What keeps things that were destroyed from coming in again, and which messages were held back for it.
CREATE TABLE barred(print uuid NOT NULL, list text NOT NULL, person bigint NOT NULL, known boolean NOT NULL, PRIMARY KEY(print, list));
CREATE INDEX barred_list ON barred(list, person);
CREATE INDEX barred_person ON barred(person) WHERE person<>0;
CREATE TABLE heldback(message bigint PRIMARY KEY, list text NOT NULL, kept boolean NOT NULL);
CREATE INDEX heldback_list ON heldback(list, message);
CREATE INDEX heldback_kept ON heldback(message) WHERE kept;
-- How often what is barred has changed: each node has in memory what tells that something is not.
ALTER TABLE head ADD COLUMN barred bigint NOT NULL DEFAULT 0;
