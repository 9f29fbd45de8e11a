-- What must be unique besides the id. See ../mysql for what each column means.
CREATE TABLE idempotency_keys (
  owner         BLOB     NOT NULL DEFAULT x'',
  idem_key      BLOB     NOT NULL,
  timer_id      BLOB     NOT NULL,
  request_hash  BLOB     NOT NULL,
  answer        TEXT     NOT NULL,
  expires_at    INTEGER  NOT NULL,
  PRIMARY KEY (owner, idem_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX expires ON idempotency_keys (expires_at);

CREATE TABLE timer_keys (
  owner      BLOB  NOT NULL DEFAULT x'',
  timer_key  BLOB  NOT NULL,
  timer_id   BLOB  NOT NULL,
  PRIMARY KEY (owner, timer_key)
) STRICT, WITHOUT ROWID;
