-- Lists walk these. Their columns never change after the insert, so claims and records do not maintain them.
-- Built online; MySQL has no ADD KEY IF NOT EXISTS, and a migration that was cut off is run again.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.statistics
                 WHERE table_schema = DATABASE() AND table_name = 'timers' AND index_name = 'labelled');
SET @ddl = IF(@missing, 'ALTER TABLE timers ADD KEY listed (owner, id), ADD KEY labelled (label, owner, id),
                           ALGORITHM = INPLACE, LOCK = NONE', 'DO 0');
PREPARE add_list_keys FROM @ddl;
EXECUTE add_list_keys;
DEALLOCATE PREPARE add_list_keys;

-- What one replica does for all. An instant in the past: anybody may take it.
CREATE TABLE IF NOT EXISTS leases (
  name     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  holder   BINARY(16)  NOT NULL,
  ends_at  BIGINT      NOT NULL
) ENGINE = InnoDB;
