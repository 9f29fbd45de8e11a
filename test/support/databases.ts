import { randomBytes } from 'node:crypto';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { DatabaseKind } from './database-binaries.ts';

export interface TestDatabase {
  url: string;
  name: string;
  drop: () => Promise<void>;
}

/** Where the global set-up tells the workers which servers to use, and people may name servers of their own. */
export const serverUrlVariables = { mysql: 'TEST_MYSQL_URL', mariadb: 'TEST_MARIADB_URL' } as const;

/** A fresh, empty database: on the server that the run shares, or on the one given. */
export async function createDatabase(kind: DatabaseKind, serverUrl = sharedServerUrl(kind)): Promise<TestDatabase> {
  const name = `punctual_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await queryServer(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    name,
    drop: async () => {
      await queryServer(serverUrl, `DROP DATABASE IF EXISTS ${name}`);
    },
  };
}

/** One statement on a connection of its own. */
export async function queryServer(url: string, sql: string): Promise<RowDataPacket[]> {
  const connection = await createConnection(url);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql);
    return rows;
  } finally {
    connection.destroy();
  }
}

function sharedServerUrl(kind: DatabaseKind): string {
  const url = process.env[serverUrlVariables[kind]];
  if (url === undefined) throw new Error(`${serverUrlVariables[kind]} is not set; jest's global set-up does that`);
  return url;
}
