import { describe, expect, it } from '@jest/globals';
import { examine, type Circumstances } from '../../src/store/mysql/doctor.ts';

/** A server about which there is nothing to say. */
const healthy: Circumstances = {
  version: '8.4.6',
  variables: {
    transaction_isolation: 'READ-COMMITTED',
    autocommit: 'ON',
    completion_type: 'NO_CHAIN',
    sql_mode: 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
    sql_select_limit: '18446744073709551615',
    character_set_client: 'utf8mb4',
    wait_timeout: '10',
    innodb_flush_log_at_trx_commit: '1',
    log_bin: 'ON',
    sync_binlog: '1',
    binlog_format: 'ROW',
    max_connections: '151',
    max_user_connections: '0',
    max_allowed_packet: '67108864',
  },
  foreignTables: {},
  isWritable: true,
  poolSize: 12,
  skipping: 'skips',
};

describe('The doctor', () => {
  const foundIn = (over: Partial<Circumstances>) =>
    examine({ ...healthy, ...over }).map(({ name, severity }) => `${name} ${severity}`);
  const withVariables = (variables: Circumstances['variables']) =>
    foundIn({ variables: { ...healthy.variables, ...variables } });

  it('says nothing of a server as it should be', () => {
    expect(examine(healthy)).toEqual([]);
  });

  it.each([
    '8.0.11',
    '8.4.0',
    '9.7.4',
    '10.6.0-MariaDB',
    '10.11.18-MariaDB-0+deb12u1',
    '5.5.5-11.8.2-MariaDB',
    '8.0.11-TiDB-v8.5.6',
    '8.0.39',
  ])('takes version %s', (version) => expect(foundIn({ version })).toEqual([]));

  it.each(['5.7.44', '8.0.4-rc', '10.5.27-MariaDB', '5.5.5-10.3.39-MariaDB-log'])('refuses version %s', (version) =>
    expect(foundIn({ version })).toEqual(['version breaks']),
  );

  it.each([
    [{ transaction_isolation: 'REPEATABLE-READ' }, 'transaction_isolation breaks'],
    [{ autocommit: 'OFF' }, 'session breaks'],
    [{ completion_type: 'CHAIN' }, 'session breaks'],
    [{ sql_mode: 'STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES' }, 'session breaks'],
    [{ sql_select_limit: '13' }, 'session breaks'],
    [{ character_set_client: 'latin1' }, 'session breaks'],
    [{ binlog_format: 'STATEMENT' }, 'binlog_format breaks'],
    [{ max_allowed_packet: '4194304' }, 'max_allowed_packet breaks'],
    [{ wsrep_on: 'ON' }, 'wsrep_on weakens'],
    [{ wait_timeout: '28800' }, 'wait_timeout weakens'],
    [{ max_connections: '23' }, 'max_connections weakens'],
    [{ max_user_connections: '20' }, 'max_connections weakens'],
  ])('finds %j', (variables, finding) => expect(withVariables(variables)).toEqual([finding]));

  it('does not mind the binary log of a server that writes none', () => {
    expect(withVariables({ log_bin: 'OFF', binlog_format: 'STATEMENT', sync_binlog: '0' })).toEqual([]);
  });
});
