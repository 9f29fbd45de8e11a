-- When each object was last seen online. See ../mysql for what each column means.
CREATE TABLE objects (
  id         BLOB     NOT NULL PRIMARY KEY,
  last_seen  INTEGER  NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX last_seen ON objects (last_seen);

CREATE TABLE checkers (
  replica      BLOB     NOT NULL PRIMARY KEY,
  alive_until  INTEGER  NOT NULL
) STRICT, WITHOUT ROWID;
