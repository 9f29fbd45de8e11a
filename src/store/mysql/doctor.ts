import type { Finding } from '../finding.ts';
import type { ServerFacts } from './server-facts.ts';
import type { SkippingOfLocks } from './skip-locked.ts';

export interface Circumstances extends ServerFacts {
  /** Connections of this replica. */
  poolSize: number;
  /** Absent before it was tried. */
  skipping?: SkippingOfLocks;
}

interface Rule extends Omit<Finding, 'detail'> {
  /** What is wrong; undefined when nothing is. */
  detail: (facts: Circumstances) => string | undefined;
}

/** The first general releases with what the statements need: SKIP LOCKED and JSON_TABLE. */
const LEAST_VERSION = { MySQL: [8, 0, 11], MariaDB: [10, 6, 0] };
/** The longest statement is a record of 500 outcomes with long texts, or 4 MiB of inserts. */
const LEAST_PACKET_BYTES = 8 * 1024 * 1024;
const MOST_SILENCE_S = 10;
/** What every session asks for, and would do harm without. */
const SESSION: ServerFacts['variables'] = {
  autocommit: 'ON',
  completion_type: 'NO_CHAIN',
  sql_mode: 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION',
  sql_select_limit: String(2n ** 64n - 1n),
  character_set_client: 'utf8mb4',
};

const COMMITTED = 'A timer answered with 201, and an outcome recorded, survive a crash of the database.';
const NO_WAITING = 'Replicas claim timers without waiting for one another.';

const RULES: Rule[] = [
  {
    name: 'version',
    severity: 'breaks',
    promise: 'Two replicas never both own a timer.',
    detail({ version }) {
      const product = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
      // Old clients read a first digit only, so MariaDB may put 5.5.5- before its own.
      const numbers = version
        .replace(/^5\.5\.5-/, '')
        .split(/[.-]/)
        .map(Number);
      const least = LEAST_VERSION[product];
      const differing = least.findIndex((number, index) => number !== numbers[index]);
      if (differing === -1 || (numbers[differing] ?? 0) > (least[differing] ?? 0)) return undefined;
      return `The server is ${product} ${version}; ${least.join('.')} or newer is needed.`;
    },
  },
  {
    name: 'transaction_isolation',
    severity: 'breaks',
    promise: 'A claim that finds nothing blocks no insert.',
    detail({ variables: { transaction_isolation, tx_isolation } }) {
      const level = transaction_isolation ?? tx_isolation;
      if (level === 'READ-COMMITTED') return undefined;
      return `A session runs under ${level ?? 'an unknown isolation level'} although READ COMMITTED was asked for. Is there a proxy in between that resets sessions?`;
    },
  },
  {
    name: 'session',
    severity: 'breaks',
    promise: 'What was answered with 201 is committed, and stored as it came.',
    detail({ variables }) {
      const differing = Object.entries(SESSION).filter(
        ([name, asked]) => (variables[name as keyof typeof SESSION] ?? asked) !== asked,
      );
      if (differing.length === 0) return undefined;
      const named = differing.map(([name]) => `${name} = ${variables[name as keyof typeof SESSION] ?? ''}`);
      return `A session runs under ${named.join(', ')} although it was set up otherwise. Is there a proxy in between that resets sessions?`;
    },
  },
  {
    name: 'binlog_format',
    severity: 'breaks',
    promise: 'Timers can be stored.',
    detail: ({ variables: { log_bin, binlog_format } }) =>
      log_bin === 'ON' && binlog_format === 'STATEMENT'
        ? 'binlog_format is STATEMENT, with which InnoDB takes no writes under READ COMMITTED. Set it to ROW.'
        : undefined,
  },
  {
    name: 'max_allowed_packet',
    severity: 'breaks',
    promise: 'Timers can be stored under load.',
    detail: ({ variables: { max_allowed_packet } }) =>
      Number(max_allowed_packet ?? Infinity) < LEAST_PACKET_BYTES
        ? `max_allowed_packet is ${max_allowed_packet ?? ''} bytes, less than a full batch. Set it to 16M or more.`
        : undefined,
  },
  {
    name: 'engine',
    severity: 'breaks',
    promise: 'What was answered with 201 is committed as a whole, and two replicas never both own a timer.',
    detail({ foreignTables }) {
      const named = Object.entries(foreignTables).map(([table, engine]) => `${table} (${engine})`);
      if (named.length === 0) return undefined;
      return `Only InnoDB has transactions and row locks, but these tables are of another engine: ${named.join(', ')}. Use ALTER TABLE … ENGINE = InnoDB.`;
    },
  },
  {
    name: 'read_only',
    severity: 'breaks',
    promise: 'Timers can be stored and fired.',
    detail: ({ isWritable }) =>
      isWritable
        ? undefined
        : 'The server is read-only. Is it a replica, or is a fail-over under way? DATABASE_URL or DB_HOST must name the primary.',
  },
  {
    name: 'innodb_flush_log_at_trx_commit',
    severity: 'weakens',
    promise: COMMITTED,
    detail: ({ variables: { innodb_flush_log_at_trx_commit: value } }) =>
      value === undefined || value === '1'
        ? undefined
        : `innodb_flush_log_at_trx_commit is ${value}: the last second of commits may be lost. Set it to 1.`,
  },
  {
    name: 'sync_binlog',
    severity: 'weakens',
    promise: COMMITTED,
    detail: ({ variables: { log_bin, sync_binlog } }) =>
      log_bin !== 'ON' || sync_binlog === undefined || sync_binlog === '1'
        ? undefined
        : `sync_binlog is ${sync_binlog}: after a crash the binary log, and with it replicas and restored backups, may lack commits. Set it to 1.`,
  },
  {
    name: 'skip_locked',
    severity: 'weakens',
    promise: NO_WAITING,
    detail: ({ skipping }) =>
      skipping === undefined || skipping === 'skips'
        ? undefined
        : `The server ${skipping === 'refuses' ? 'does not know' : 'does not honour'} SKIP LOCKED. Claims stay right, but several replicas get in one another's way.`,
  },
  {
    name: 'wsrep_on',
    severity: 'weakens',
    promise: NO_WAITING,
    detail: ({ variables: { wsrep_on } }) =>
      wsrep_on === 'ON' || wsrep_on === '1'
        ? "This is a Galera cluster, whose nodes do not see one another's locks. Claims stay right, but let all replicas use the same node."
        : undefined,
  },
  {
    name: 'wait_timeout',
    severity: 'weakens',
    promise: `A replica that freezes or is cut off hides no timer for more than ${MOST_SILENCE_S} s.`,
    detail: ({ variables: { wait_timeout } }) =>
      Number(wait_timeout ?? 0) > MOST_SILENCE_S
        ? `A session keeps its locks for ${wait_timeout ?? ''} s of silence, although ${MOST_SILENCE_S} s were asked for. Is there a proxy in between that resets sessions?`
        : undefined,
  },
  {
    name: 'max_connections',
    severity: 'weakens',
    promise: 'A second replica, or the next version of this one, can start beside it.',
    detail({ poolSize, variables: { max_connections, max_user_connections } }) {
      const limits = [max_connections, max_user_connections].map(Number).filter((limit) => limit > 0);
      const least = Math.min(...limits);
      if (least >= 2 * poolSize) return undefined;
      return `The server takes ${least} connections of us, and a replica may use ${poolSize} (DB_POOL_SIZE). Raise max_connections or lower DB_POOL_SIZE.`;
    },
  },
];

/** Everything there is to say against these circumstances. */
export const examine = (circumstances: Circumstances): Finding[] =>
  RULES.flatMap((rule) => {
    const detail = rule.detail(circumstances);
    return detail === undefined ? [] : [{ ...rule, detail }];
  });
