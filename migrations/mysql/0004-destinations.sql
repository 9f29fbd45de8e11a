-- What each replica tells of the hosts it calls, replaced every two seconds: as many rows as there are replicas.
CREATE TABLE IF NOT EXISTS destinations (
  replica  BINARY(16)  NOT NULL PRIMARY KEY,
  told_at  BIGINT      NOT NULL,
  reports  MEDIUMTEXT  NOT NULL                          -- JSON array, one object per host
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
