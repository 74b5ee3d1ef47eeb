-- +goose Up
-- A Subscription in each of its versions, as that was saved last.
CREATE TABLE subscription_version(subscription bigint NOT NULL, version int NOT NULL, at bigint NOT NULL, status text NOT NULL, reason text NOT NULL,
  body bytea NOT NULL, PRIMARY KEY(subscription, version)) PARTITION BY HASH (subscription);
SELECT selda_partition('subscription_version');
INSERT INTO subscription_version SELECT key, version, at, status, reason, body FROM subscription;
