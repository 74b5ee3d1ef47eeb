-- Subscriptions and what waits to be told. Added to a database of any age.
CREATE TABLE IF NOT EXISTS subscription(key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, user TEXT NOT NULL, purpose TEXT NOT NULL,
  revision INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL, sealed BLOB,
  base TEXT NOT NULL, citizen TEXT NOT NULL, anchor INTEGER NOT NULL, start INTEGER NOT NULL, behind INTEGER NOT NULL, greeted INTEGER NOT NULL, failing INTEGER NOT NULL, numbered INTEGER NOT NULL DEFAULT 0,
  UNIQUE(user, id));

-- A Subscription in each of its versions, as that was saved last.
CREATE TABLE IF NOT EXISTS subscription_version(subscription INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY(subscription, version)) WITHOUT ROWID;
INSERT OR IGNORE INTO subscription_version SELECT key, version, at, status, reason, body FROM subscription;

-- state: 0 waiting, 1 delivered, 2 aside. number is 0 until the event is first sent.
CREATE TABLE IF NOT EXISTS subscription_event(subscription INTEGER NOT NULL, seq INTEGER NOT NULL, lane TEXT NOT NULL, subject INTEGER NOT NULL,
  n INTEGER NOT NULL, at INTEGER NOT NULL, type INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, change INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 0, number INTEGER NOT NULL DEFAULT 0, doubt INTEGER NOT NULL DEFAULT 0, tried INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', PRIMARY KEY(subscription, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subscription_event_lane ON subscription_event(subscription, lane, seq) WHERE state=0;
CREATE INDEX IF NOT EXISTS subscription_event_subject ON subscription_event(subscription, subject, seq) WHERE state=0;
CREATE INDEX IF NOT EXISTS subscription_event_aside ON subscription_event(subscription, seq) WHERE state=2;
CREATE INDEX IF NOT EXISTS subscription_event_number ON subscription_event(subscription, number) WHERE number>0;
CREATE INDEX IF NOT EXISTS subscription_event_done ON subscription_event(done) WHERE state=1;

-- A lane is there while something waits in it.
CREATE TABLE IF NOT EXISTS subscription_lane(subscription INTEGER NOT NULL, lane TEXT NOT NULL, attempts INTEGER NOT NULL, next INTEGER NOT NULL,
  PRIMARY KEY(subscription, lane)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subscription_lane_next ON subscription_lane(subscription, next);

-- The last number in each lane, and numbers that were given and taken back.
CREATE TABLE IF NOT EXISTS subscription_last(subscription INTEGER NOT NULL, lane TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(subscription, lane)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscription_free(subscription INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(subscription, number)) WITHOUT ROWID;

-- Changes of links by commit, for those who follow the log.
CREATE INDEX IF NOT EXISTS link_event_n ON link_event(n);
