-- The truth. Every table that grows by care has the subject first in its key.
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE source(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, registered INTEGER NOT NULL);

-- n is that of the subject's last change: what a cached compartment is checked against.
CREATE TABLE subject(id INTEGER PRIMARY KEY, source INTEGER NOT NULL, n INTEGER NOT NULL);

CREATE TABLE identity(system TEXT NOT NULL, value TEXT NOT NULL, source INTEGER NOT NULL, subject INTEGER NOT NULL,
  verified INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(system, value, source, subject)) WITHOUT ROWID;
CREATE INDEX identity_subject ON identity(subject, verified); -- all that is asked of a subject

-- flags: 1 deleted, 2 final
CREATE TABLE resource(subject INTEGER NOT NULL, type INTEGER NOT NULL, item INTEGER NOT NULL, version INTEGER NOT NULL,
  n INTEGER NOT NULL, at INTEGER NOT NULL, source INTEGER NOT NULL, dataset INTEGER NOT NULL, labels INTEGER NOT NULL,
  flags INTEGER NOT NULL, clinical INTEGER, reported INTEGER, message INTEGER NOT NULL, id TEXT, body BLOB,
  PRIMARY KEY(subject, type, item, version)) WITHOUT ROWID;

-- Where a resource is, and the columns of its version in force.
CREATE TABLE locator(item INTEGER PRIMARY KEY, subject INTEGER NOT NULL, type INTEGER NOT NULL, version INTEGER NOT NULL,
  source INTEGER NOT NULL, dataset INTEGER NOT NULL, labels INTEGER NOT NULL, flags INTEGER NOT NULL);

-- Ids that a source system chose itself.
CREATE TABLE alias(type INTEGER NOT NULL, id TEXT NOT NULL, item INTEGER NOT NULL, PRIMARY KEY(type, id)) WITHOUT ROWID;
CREATE INDEX alias_item ON alias(item);

-- What a source calls a resource: a hash of source, type and key (keyOf). The item may be one that was only referred to yet.
CREATE TABLE key(hash BLOB PRIMARY KEY, item INTEGER NOT NULL) WITHOUT ROWID;

-- One posting a version; rowid is item * 4096 + version modulo 4096.
CREATE VIRTUAL TABLE posting USING fts5(token, content='', detail=none, columnsize=0, tokenize='ascii');

-- The log: what each commit changed.
CREATE TABLE change(n INTEGER PRIMARY KEY, at INTEGER NOT NULL, source INTEGER NOT NULL, message INTEGER NOT NULL, items BLOB);

-- state: 0 stored, 1 quarantined, 2 duplicate, 3 refused
CREATE TABLE message(id INTEGER PRIMARY KEY, source INTEGER NOT NULL, format TEXT NOT NULL, received INTEGER NOT NULL,
  state INTEGER NOT NULL, n INTEGER, event TEXT, control TEXT, hash BLOB, reason TEXT, place TEXT, steps BLOB);
CREATE INDEX message_control ON message(control) WHERE control IS NOT NULL;
-- Messages of these formats are used once. What else is sent again is asked for again.
CREATE INDEX message_seen ON message(hash) WHERE format IN ('hl7v2', 'cda');
CREATE INDEX message_state ON message(state, id) WHERE state = 1;

-- The master patient index: which subjects are one citizen, by n.
CREATE TABLE citizen(id INTEGER PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE link(subject INTEGER NOT NULL, from_n INTEGER NOT NULL, to_n INTEGER, citizen INTEGER NOT NULL, event INTEGER NOT NULL,
  PRIMARY KEY(subject, from_n)) WITHOUT ROWID;
CREATE INDEX link_citizen ON link(citizen, subject);
CREATE TABLE link_event(id INTEGER PRIMARY KEY, n INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, rule TEXT NOT NULL,
  reason TEXT NOT NULL, message INTEGER NOT NULL, moves TEXT NOT NULL, undone INTEGER);
CREATE TABLE review(id INTEGER PRIMARY KEY, n INTEGER NOT NULL, at INTEGER NOT NULL, subject INTEGER NOT NULL, other INTEGER NOT NULL,
  rule TEXT NOT NULL, reason TEXT NOT NULL, state TEXT NOT NULL, UNIQUE(subject, other, rule));
CREATE TABLE severed(a INTEGER NOT NULL, b INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(a, b)) WITHOUT ROWID;

-- What users have stated of one citizen: a declared relationship, a break-glass.
CREATE TABLE claim(subject INTEGER NOT NULL, id INTEGER NOT NULL, user TEXT NOT NULL, organisation TEXT NOT NULL, emergency INTEGER NOT NULL,
  reason TEXT NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, PRIMARY KEY(subject, id)) WITHOUT ROWID;
