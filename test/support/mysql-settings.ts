import type { MysqlSettings } from '../../src/store/index.ts';

/** The settings that a `mysql://` URL of the tests stands for. */
export function mysqlSettings(url: string): MysqlSettings {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    engine: 'mysql',
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    poolSize: 12,
    tls: { mode: 'off', ca: null },
  };
}
