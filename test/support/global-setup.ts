import { acceptedVersion, type DatabaseKind } from './database-binaries.ts';
import { quickStart, startServer } from './database-server.ts';
import { queryServer, serverUrlVariables } from './databases.ts';
import { endServers, keepServersInMemory } from './server-homes.ts';

const kinds: DatabaseKind[] = ['mysql', 'mariadb'];

/** One server of each kind for the whole run. A kind that cannot be had fails the run. */
export default async function globalSetup(): Promise<void> {
  // In watch mode the servers of the first run serve the next ones too.
  if (process.env.TEST_RUN_PID === String(process.pid)) return;
  process.env.TEST_RUN_PID = String(process.pid);
  endServers();
  if (process.env.TEST_FULL !== '1') keepServersInMemory();
  const results = await Promise.allSettled(kinds.map(provideServer));
  const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => String(reason));
  if (failures.length === 0) return;
  endServers();
  throw new Error(`The tests cannot run without their databases.\n${failures.join('\n')}`);
}

async function provideServer(kind: DatabaseKind): Promise<void> {
  const variable = serverUrlVariables[kind];
  const given = process.env[variable];
  try {
    if (given !== undefined) {
      report(kind, await givenVersion(kind, given), new URL(given).port || '3306', variable);
      return;
    }
    const { version, port, url, origin } = await startServer(kind, { extraArgs: quickStart });
    process.env[variable] = url;
    report(kind, version, port, origin);
  } catch (error) {
    const remedy =
      given === undefined
        ? `Install ${kind} so that its server is on the PATH, or name a server: ${variable}=mysql://root@127.0.0.1:3306`
        : `Check ${variable}, or unset it to have a private server started`;
    throw new Error(`${kind}: ${error instanceof Error ? error.message : String(error)}\n  ${remedy}.`, {
      cause: error,
    });
  }
}

async function givenVersion(kind: DatabaseKind, url: string): Promise<string> {
  const [row] = await queryServer(url, 'SELECT VERSION() AS version');
  const told = String(row?.version);
  const version = acceptedVersion(kind, told);
  if (version === undefined) throw new Error(`the server at ${new URL(url).host} is ${told}, too old or not ${kind}`);
  return version;
}

const report = (kind: DatabaseKind, version: string, port: number | string, origin: string) =>
  process.stderr.write(`${kind} ${version} on port ${port} (${origin})\n`);
