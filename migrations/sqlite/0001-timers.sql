-- One hot table, one hot index. All instants are epoch milliseconds, UTC. See ../mysql for what each column means.
CREATE TABLE timers (
  id                BLOB    NOT NULL PRIMARY KEY,
  status            TEXT    NOT NULL CHECK (status IN ('waiting', 'executing', 'done', 'failed', 'cancelled', 'unknown')),
  wake_at           INTEGER NOT NULL,
  next_attempt_at   INTEGER NOT NULL,
  due_at            INTEGER NOT NULL,
  claim_id          BLOB,
  fence             INTEGER NOT NULL DEFAULT 0,
  attempts          INTEGER NOT NULL DEFAULT 0,
  lost              INTEGER NOT NULL DEFAULT 0,
  run               INTEGER NOT NULL DEFAULT 0,
  reason            TEXT,
  send_started_at   INTEGER,

  action            TEXT    NOT NULL,
  owner             TEXT,
  label             TEXT,
  timer_key         TEXT,
  metadata          TEXT,
  created_at        INTEGER NOT NULL,
  delay_ms          INTEGER NOT NULL,
  url               TEXT    NOT NULL,
  method            TEXT    NOT NULL,
  headers           TEXT,
  body              BLOB,
  body_bytes        INTEGER NOT NULL DEFAULT 0,
  append_id         INTEGER NOT NULL,
  timeout_ms        INTEGER,
  max_attempts      INTEGER NOT NULL,
  retry             TEXT,
  delivery          TEXT    NOT NULL,
  expires_after_ms  INTEGER,

  fired_at          INTEGER,
  lateness_ms       INTEGER,
  duration_ms       INTEGER,
  http_status       INTEGER,
  error_code        TEXT,
  error_message     TEXT,
  answer            TEXT
) STRICT;

CREATE INDEX wake ON timers (status, wake_at, id);

CREATE TABLE attempts (
  timer_id       BLOB    NOT NULL,
  fence          INTEGER NOT NULL,
  run            INTEGER NOT NULL,
  attempt        INTEGER NOT NULL,
  fired_at       INTEGER NOT NULL,
  lateness_ms    INTEGER NOT NULL,
  duration_ms    INTEGER NOT NULL,
  http_status    INTEGER,
  error_code     TEXT,
  error_message  TEXT,
  answer         TEXT,
  PRIMARY KEY (timer_id, fence)
) STRICT, WITHOUT ROWID;
