-- What each replica tells of the hosts it calls, replaced every two seconds. See ../mysql for what each column means.
CREATE TABLE destinations (
  replica  BLOB     NOT NULL PRIMARY KEY,
  told_at  INTEGER  NOT NULL,
  reports  TEXT     NOT NULL
) STRICT;
