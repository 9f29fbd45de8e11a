/** Where the timers are kept. */
export type StoreSettings = SqliteSettings | MysqlSettings;

export interface SqliteSettings {
  engine: 'sqlite';
  /** Path of the file; its folder is made if need be. */
  file: string;
}

/** MySQL or MariaDB. */
export interface MysqlSettings {
  engine: 'mysql';
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** Connections of this replica, the scheduler's four included. */
  poolSize: number;
  /** `required`: encrypted, whoever the server is. `verify`: its certificate is checked, against `ca` (PEM) where given. */
  tls: { mode: 'off' | 'required' | 'verify'; ca: string | null };
}
