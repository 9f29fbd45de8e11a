import { toRow } from '../../src/store/timer-row.ts';
import { makeTimer, T0 } from '../support/timers.ts';

/** A statement makes as many timers as there are numbers of so many digits. */
const DIGITS = 5;

/** How the columns of the n-th timer differ from those of the first, as SQL that all engines understand. */
const MADE: Record<string, string> = {
  // Text of 32 hexadecimal digits, in the order of n.
  id: `concat('0199f1d02b1e7c3a', substr(concat('0000000000000000', n), -16))`,
  status: `case when n % 10 < 4 then 'waiting' when n % 10 < 8 then 'done' when n % 10 = 8 then 'failed' else 'cancelled' end`,
  // A thousand timers share each of the first instants, as at midnight; the rest are spread.
  wake_at: `case when n < 100000 then ${T0} + 60000 + n / 1000 * 1000 else ${T0} + 100000 + n * 10 end`,
  owner: `concat('owner-', n / 7 % 10)`,
  label: `case when n % 1000 = 0 then concat('rare-', n / 1000 % 50) when n % 3 = 0 then 'common' else null end`,
  url: `concat('https://host-', n % 5, '.example/hook')`,
};

/**
 * Statements that fill the empty table `timers` with `count` timers: of ten owners, with labels rare and common, on five
 * hosts, of four statuses; or as `made` has it.
 */
export function fillTimers(engine: 'mysql' | 'sqlite', count: number, made = MADE): string[] {
  const row = toRow(makeTimer());
  const literal = (value: string | number | Uint8Array | null) => {
    if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
    return typeof value === 'string' ? `'${value}'` : String(value);
  };
  const columns = Object.keys(row) as (keyof typeof row)[];
  const values = columns.map((column) => {
    const expression = made[column];
    if (column === 'id') return `unhex(${expression})`;
    return expression ?? literal(row[column]);
  });
  const insert = `INSERT INTO timers (${columns.join(', ')}) SELECT ${values.map((value) => inEngine(value, engine)).join(', ')}`;
  if (engine === 'sqlite') {
    return [
      `${insert} FROM (WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count - 1}) SELECT n FROM numbers)`,
    ];
  }
  const digit = `(${Array.from({ length: 10 }, (_, index) => `SELECT ${index} AS d`).join(' UNION ALL ')})`;
  const places = Array.from({ length: DIGITS }, (_, index) => index);
  const small = places.map((place) => `d${place}.d * ${10 ** place}`).join(' + ');
  const from = places.map((place) => `${digit} d${place}`).join(', ');
  const statements: string[] = [];
  for (let begin = 0; begin < count; begin += 10 ** DIGITS) {
    statements.push(`${insert} FROM (SELECT ${begin} + ${small} AS n FROM ${from}) numbers WHERE n < ${count}`);
  }
  return statements;
}

/** Whole division has its own operator, or is what `/` means between integers. */
const inEngine = (expression: string, engine: 'mysql' | 'sqlite') =>
  engine === 'mysql' ? expression.replaceAll(/n \/ (\d+)/g, 'n DIV $1') : expression;
