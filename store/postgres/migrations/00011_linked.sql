-- +goose Up
-- Changes of links by commit, for those who follow the log.
CREATE INDEX link_event_n ON link_event(n);
