-- +goose Up
-- Subscriptions and what waits to be told.
CREATE TABLE subscription(key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, username text NOT NULL, purpose text NOT NULL,
  revision bigint NOT NULL, version int NOT NULL, at bigint NOT NULL, status text NOT NULL, reason text NOT NULL, body bytea NOT NULL, sealed bytea,
  base text NOT NULL, citizen text NOT NULL, anchor bigint NOT NULL, start bigint NOT NULL, behind bigint NOT NULL, greeted boolean NOT NULL, failing bigint NOT NULL, UNIQUE(username, id));

-- What is counted for one subscription: the last seq and the last event number.
CREATE TABLE subscription_count(subscription bigint PRIMARY KEY, seq bigint NOT NULL, numbered bigint NOT NULL) WITH (fillfactor = 50);

-- state: 0 waiting, 1 delivered, 2 aside. number is 0 until the event is first sent.
CREATE TABLE subscription_event(subscription bigint NOT NULL, seq bigint NOT NULL, lane text NOT NULL, subject bigint NOT NULL, n bigint NOT NULL, at bigint NOT NULL,
  type smallint NOT NULL, id text NOT NULL, version int NOT NULL, change smallint NOT NULL, state smallint NOT NULL DEFAULT 0, number bigint NOT NULL DEFAULT 0,
  doubt boolean NOT NULL DEFAULT false, tried bigint NOT NULL DEFAULT 0, done bigint NOT NULL DEFAULT 0, reason text NOT NULL DEFAULT '',
  PRIMARY KEY(subscription, seq)) PARTITION BY HASH (subscription);
CREATE INDEX subscription_event_lane ON subscription_event(subscription, lane, seq) WHERE state = 0;
CREATE INDEX subscription_event_subject ON subscription_event(subscription, subject, seq) WHERE state = 0;
CREATE INDEX subscription_event_aside ON subscription_event(subscription, seq) WHERE state = 2;
CREATE INDEX subscription_event_number ON subscription_event(subscription, number) WHERE number > 0;
CREATE INDEX subscription_event_done ON subscription_event(done) WHERE state = 1;
SELECT selda_partition('subscription_event');

-- A lane is there while something waits in it.
CREATE TABLE subscription_lane(subscription bigint NOT NULL, lane text NOT NULL, attempts int NOT NULL, next bigint NOT NULL,
  PRIMARY KEY(subscription, lane)) PARTITION BY HASH (subscription);
CREATE INDEX subscription_lane_next ON subscription_lane(subscription, next);
SELECT selda_partition('subscription_lane');

-- The last number in each lane, and numbers that were given and taken back.
CREATE TABLE subscription_last(subscription bigint NOT NULL, lane text NOT NULL, number bigint NOT NULL, PRIMARY KEY(subscription, lane)) PARTITION BY HASH (subscription);
SELECT selda_partition('subscription_last');
CREATE TABLE subscription_free(subscription bigint NOT NULL, number bigint NOT NULL, PRIMARY KEY(subscription, number));

-- Up to which n a follower has read the log.
CREATE TABLE follower(name text PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 50);
