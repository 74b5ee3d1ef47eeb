-- +goose Up
-- The cases of rights, and what was given out in them.
CREATE TABLE rights_case(id text PRIMARY KEY, version bigint NOT NULL, citizen text NOT NULL, controller text NOT NULL, closed boolean NOT NULL, body bytea NOT NULL);
CREATE INDEX rights_case_citizen ON rights_case(citizen);
CREATE INDEX rights_case_controller ON rights_case(controller, closed);
CREATE TABLE rights_file(id text NOT NULL, name text NOT NULL, content bytea NOT NULL, PRIMARY KEY(id, name));
