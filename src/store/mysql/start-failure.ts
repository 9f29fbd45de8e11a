import type { MysqlSettings } from '../settings.ts';
import { StoreStartError } from '../start-error.ts';
import { classify } from './errors.ts';

const CREDENTIALS = [1045, 1698];
const GRANTS = [1044, 1142, 1227];
/** Of the service's user, as the README lists them. */
export const NEEDED_RIGHTS = 'SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP, REFERENCES';
const HOST_REFUSED = [1129, 1130];
const INSECURE_TRANSPORT = 3159;

/** The error in one line for the operator, with the setting to look at. */
export function toStartError(error: unknown, settings: MysqlSettings): StoreStartError {
  if (error instanceof StoreStartError) return error;
  const kind = classify(error);
  const transient = kind === 'reconnect' || kind === 'repeat';
  return new StoreStartError(explain(error, settings, transient), { transient, cause: error });
}

function explain(error: unknown, { host, port, user, database, tls }: MysqlSettings, transient: boolean): string {
  const { errno = 0, code, message } = error as { errno?: number; code?: string; message?: string };
  const at = `The database at ${host}:${port}`;
  const reason = message ?? 'no reason given';
  if (CREDENTIALS.includes(errno))
    return `${at} refused the user "${user}". Check the user and the password (DATABASE_URL, or DB_USER with DB_PASSWORD or DB_PASSWORD_FILE).${
      // Servers that ask for encryption do not all say so.
      tls.mode === 'off'
        ? ' If they are right, it may take encrypted connections only: set DB_TLS=required or verify.'
        : ''
    }`;
  if (GRANTS.includes(errno))
    return `The user "${user}" may not use, create or change the database "${database}" at ${host}:${port}. Create it, or grant: GRANT ${NEEDED_RIGHTS} ON ${database}.* TO '${user}'.`;
  if (HOST_REFUSED.includes(errno)) return `${at} takes no connections from this machine: ${reason}`;
  if (errno === INSECURE_TRANSPORT) return `${at} takes encrypted connections only. Set DB_TLS=required or verify.`;
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT')
    return `${at} offers no TLS, but DB_TLS asks for it. Set the server up for TLS, or set DB_TLS=off where the network is trusted.`;
  if (code === 'HANDSHAKE_SSL_ERROR' && !transient)
    return `${at} shows a certificate that is not trusted (${reason}). Check DB_TLS_CA, and that the certificate is made out to ${host}; DB_TLS=required takes any.`;
  if (transient && errno > 0) return `${at} refuses for now: ${reason}`;
  if (transient)
    return `${at} cannot be reached (${code ?? reason}). Is it running, and do DATABASE_URL or DB_HOST and DB_PORT name it?`;
  return `${at} cannot be used: ${reason}`;
}
