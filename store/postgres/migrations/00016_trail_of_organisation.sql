-- +goose Up
-- The trail of an organisation, whatever was done: the latest of years without looking at the rest.
CREATE INDEX trail_organisation_all ON trail(organisation, seq);
