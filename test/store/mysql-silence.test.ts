import { expect, it } from '@jest/globals';
import type { ClaimResult } from '../../src/timers/index.ts';
import { eventually } from '../support/eventually.ts';
import { claimOf, makeTimers, resultOf } from '../support/timers.ts';
import { KINDS, openFaultyStore, timed, type Kind } from './mysql-under-test.ts';

/** What a client that froze or was cut off may hide of the rows, and the time to see it. */
const HIDDEN_MS = 10_000 + 1500;

const scenarios = [
  { name: 'between two statements of a record', answer: 'short' },
  // Of a statement this long the server has a part when the silence begins.
  { name: 'in the middle of sending a statement of a record', answer: 'x'.repeat(1000) },
];

it('A client that falls silent while it records hides its rows for no more than ten seconds', async () => {
  await Promise.all(scenarios.flatMap((scenario) => KINDS.map((kind) => expectRowsBack(kind, scenario))));
}, 60_000);

async function expectRowsBack(kind: Kind, { name, answer }: (typeof scenarios)[number]): Promise<void> {
  const opened = await openFaultyStore(kind);
  const { store, proxy, query } = opened;
  await store.insert(makeTimers(500));
  const held = await store.claim(claimOf());
  const silent = proxy.once(/INSERT IGNORE INTO attempts/, 'fall silent');
  const recording = timed(store.record(held.map((row) => failed(resultOf(row), answer))));
  await silent;
  const silentSince = performance.now();
  const isFree = () =>
    query('SELECT id FROM timers FOR UPDATE NOWAIT').then(
      () => true,
      () => false,
    );

  expect({ name, kind, isFree: await isFree() }).toEqual({ name, kind, isFree: false });
  await eventually(isFree, HIDDEN_MS).catch(() => {
    throw new Error(`${kind}: silent ${name}, the rows were hidden for more than ten seconds`);
  });
  expect(performance.now() - silentSince).toBeGreaterThan(5000);

  expect(await recording).toMatchObject({ error: { code: 'store_unavailable' } });
  await proxy.pass();
  expect(await store.record(held.map((row) => failed(resultOf(row), answer)))).toEqual([]);
  await opened.close();
}

function failed(result: ClaimResult, answer: string): ClaimResult {
  if (result.attempt === null) return result;
  return { ...result, status: 'failed', reason: 'gone', attempt: { ...result.attempt, answer } };
}
