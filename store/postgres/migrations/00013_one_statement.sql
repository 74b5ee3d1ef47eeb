-- +goose Up
-- The trail's head is moved, and its entries are appended, by one statement.
DROP FUNCTION selda_trail_at(bigint, bytea);
