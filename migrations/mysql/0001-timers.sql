-- One hot table, one hot index. All instants are epoch milliseconds, UTC.
-- `wake` is the only index over columns that change; claims and records maintain no other.
CREATE TABLE IF NOT EXISTS timers (
  id                BINARY(16)        NOT NULL,            -- UUIDv7: insert order is key order
  status            ENUM('waiting', 'executing', 'done', 'failed', 'cancelled', 'unknown') NOT NULL,
  wake_at           BIGINT            NOT NULL,            -- next attempt | end of the lease | finish time
  next_attempt_at   BIGINT            NOT NULL,            -- survives the claim, which overwrites wake_at
  due_at            BIGINT            NOT NULL,
  claim_id          BINARY(16)            NULL,            -- who holds, or last held, the row
  fence             INT UNSIGNED      NOT NULL DEFAULT 0,  -- +1 with every claim
  attempts          INT UNSIGNED      NOT NULL DEFAULT 0,  -- +1 with every recorded outcome
  lost              TINYINT UNSIGNED  NOT NULL DEFAULT 0,  -- leases lost in a row
  run               INT UNSIGNED      NOT NULL DEFAULT 0,  -- +1 with every replay
  reason            VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  send_started_at   BIGINT                NULL,            -- at_most_once: marked before the first byte

  action            VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  owner             VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  label             VARCHAR(128)          NULL,
  timer_key         VARCHAR(255)          NULL,
  metadata          TEXT                  NULL,            -- JSON object
  created_at        BIGINT            NOT NULL,
  delay_ms          BIGINT            NOT NULL,            -- as first asked for
  url               VARCHAR(2048) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  method            VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  headers           TEXT                  NULL,            -- JSON object
  body              MEDIUMBLOB            NULL,
  body_bytes        INT UNSIGNED      NOT NULL DEFAULT 0,  -- read with the claim, so that a large body can be left for later
  append_id         BOOLEAN           NOT NULL,
  timeout_ms        INT UNSIGNED          NULL,
  max_attempts      INT UNSIGNED      NOT NULL,
  retry             TEXT                  NULL,            -- JSON object
  delivery          ENUM('at_least_once', 'at_most_once') NOT NULL,
  expires_after_ms  BIGINT                NULL,

  fired_at          BIGINT                NULL,            -- the last attempt
  lateness_ms       BIGINT                NULL,            -- of the run's first attempt
  duration_ms       INT UNSIGNED          NULL,
  http_status       SMALLINT UNSIGNED     NULL,
  error_code        VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  error_message     VARCHAR(512)          NULL,
  answer            VARCHAR(1024)         NULL,

  PRIMARY KEY (id),
  KEY wake (status, wake_at, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row per attempt that was not a first-try success; that one is told by the timer's own columns.
-- The fence rises over claims and runs, so it names an attempt, and a repeated record finds its own row.
CREATE TABLE IF NOT EXISTS attempts (
  timer_id       BINARY(16)        NOT NULL,
  fence          INT UNSIGNED      NOT NULL,
  run            INT UNSIGNED      NOT NULL,
  attempt        INT UNSIGNED      NOT NULL,
  fired_at       BIGINT            NOT NULL,
  lateness_ms    BIGINT            NOT NULL,
  duration_ms    INT UNSIGNED      NOT NULL,
  http_status    SMALLINT UNSIGNED     NULL,
  error_code     VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  error_message  VARCHAR(512)          NULL,
  answer         VARCHAR(1024)         NULL,
  PRIMARY KEY (timer_id, fence)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
