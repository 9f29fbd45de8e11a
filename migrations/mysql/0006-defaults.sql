-- What a timer is unless its client says otherwise, and what tells nothing before its first claim. An INSERT may leave these
-- out, and the server reads it the faster. Defaults are metadata alone: no row is touched, however many there are.
ALTER TABLE timers
  ALTER COLUMN status SET DEFAULT 'waiting',
  ALTER COLUMN claim_id SET DEFAULT '',
  ALTER COLUMN action SET DEFAULT 'webhook',
  ALTER COLUMN method SET DEFAULT 'POST',
  ALTER COLUMN append_id SET DEFAULT TRUE,
  ALTER COLUMN max_attempts SET DEFAULT 8,
  ALTER COLUMN delivery SET DEFAULT 'at_least_once',
  ALTER COLUMN fired_at SET DEFAULT 0,
  ALTER COLUMN lateness_ms SET DEFAULT 0,
  ALTER COLUMN duration_ms SET DEFAULT 0,
  ALTER COLUMN http_status SET DEFAULT 0,
  ALGORITHM = INSTANT;
