-- What must be unique besides the id, in tables of its own: a unique secondary index on `timers` would bring gap locks back.
-- Keys are bytes, as collations take 'a' and 'a ' for the same; no owner is the empty one.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  owner         VARBINARY(64)   NOT NULL DEFAULT '',
  idem_key      VARBINARY(255)  NOT NULL,
  timer_id      BINARY(16)      NOT NULL,                -- as first proposed: tells a request's own repetition from another's
  request_hash  BINARY(32)      NOT NULL,
  answer        MEDIUMTEXT      NOT NULL,                -- given again to the same request
  expires_at    BIGINT          NOT NULL,
  PRIMARY KEY (owner, idem_key),
  KEY expires (expires_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The latest timer of each key that a client chose. Whether it still waits is told by the timer itself.
CREATE TABLE IF NOT EXISTS timer_keys (
  owner      VARBINARY(64)   NOT NULL DEFAULT '',
  timer_key  VARBINARY(255)  NOT NULL,
  timer_id   BINARY(16)      NOT NULL,
  PRIMARY KEY (owner, timer_key)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
