-- When each object was last seen online. The id is its text in UTF-8: bytes, as collations take 'a' and 'a ' for the same.
CREATE TABLE IF NOT EXISTS objects (
  id         VARBINARY(600)  NOT NULL PRIMARY KEY,
  last_seen  BIGINT          NOT NULL,
  KEY last_seen (last_seen)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;

-- Who performs checks: a replica that is past its instant has died, and its checks are everybody's. As many rows as replicas.
CREATE TABLE IF NOT EXISTS checkers (
  replica      BINARY(16)  NOT NULL PRIMARY KEY,
  alive_until  BIGINT      NOT NULL
) ENGINE = InnoDB;
