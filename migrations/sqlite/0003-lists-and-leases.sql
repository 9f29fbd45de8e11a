-- Lists walk these. Their columns never change after the insert, so claims and records do not maintain them.
CREATE INDEX listed ON timers (owner, id);
CREATE INDEX labelled ON timers (label, owner, id) WHERE label IS NOT NULL;

-- What one replica does for all. An instant in the past: anybody may take it.
CREATE TABLE leases (
  name     TEXT    NOT NULL PRIMARY KEY,
  holder   BLOB    NOT NULL,
  ends_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
