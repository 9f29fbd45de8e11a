import { expect, test } from '@jest/globals';
import { checkLedger, ledgerTable, type Arrival, type Fault, type Intent } from './ledger.ts';

const DUE = 1_000_000;

const intent = (number: number, over: Partial<Intent> = {}): Intent => ({
  number,
  sentAt: DUE - 1000,
  answeredAt: DUE - 990,
  result: 'acked',
  error: null,
  id: `timer-${number}`,
  dueAt: DUE,
  ...over,
});

const arrival = (number: number, over: Partial<Arrival> = {}): Arrival => ({
  number,
  id: `timer-${number}`,
  webhookId: `timer-${number}`,
  fence: 1,
  attempt: 1,
  dueAt: DUE,
  at: DUE + 2,
  answeredAt: DUE + 3,
  status: 204,
  ...over,
});

const check = (intents: Intent[], arrivals: Arrival[], faults: Fault[] = []) =>
  checkLedger({ intents, arrivals, faults });

const killedAt = (at: number): Fault => ({ kind: 'kill', from: at, to: at });

test('timers that each came once and on time leave nothing to report', () => {
  expect(check([intent(0), intent(1)], [arrival(0), arrival(1, { at: DUE + 8 })])).toEqual({
    sent: 2,
    acked: 2,
    refused: 0,
    indeterminate: 0,
    received: 2,
    lost: 0,
    ghost: 0,
    early: 0,
    doubled: 0,
    doubledInFaults: 0,
    retriedInStalls: 0,
    fenceRegressions: 0,
    lateness: { p50: 8, p99: 8, max: 8 },
  });
});

test('an acked timer that never came is lost', () => {
  expect(check([intent(0), intent(1)], [arrival(0)])).toMatchObject({ received: 1, lost: 1 });
});

test('a timer is lost as long as no request of it got its whole answer, or only a failure', () => {
  const unanswered = arrival(0, { answeredAt: null, status: null });
  const failed = arrival(1, { status: 503 });
  expect(check([intent(0), intent(1)], [unanswered, failed])).toMatchObject({ received: 2, lost: 2 });
});

test('a timer that nobody got an answer for is not lost when it never comes, and no ghost when it does', () => {
  const open = intent(0, { result: 'indeterminate', id: null, dueAt: null });
  expect(check([open], [])).toMatchObject({ indeterminate: 1, lost: 0 });
  expect(check([open], [arrival(0)])).toMatchObject({ indeterminate: 1, received: 1, ghost: 0 });
});

test('what was refused, was never asked for, or has another id is a ghost', () => {
  const refused = intent(0, { result: 'refused', id: null, dueAt: null });
  const other = arrival(1, { id: 'other', webhookId: 'other' });
  expect(check([refused, intent(1)], [arrival(0), other, arrival(2)])).toMatchObject({ ghost: 3 });
});

test('a request one millisecond before the due instant is early', () => {
  expect(check([intent(0)], [arrival(0, { at: DUE })])).toMatchObject({ early: 0 });
  expect(check([intent(0)], [arrival(0, { at: DUE - 1 })])).toMatchObject({ early: 1 });
});

test('an early timer of an unanswered request is found by what the request itself says', () => {
  const open = intent(0, { result: 'indeterminate', id: null, dueAt: null });
  expect(check([open], [arrival(0, { at: DUE - 1 })])).toMatchObject({ early: 1 });
});

test('a second request after a success is doubled, whatever the order of the log', () => {
  const second = arrival(0, { at: DUE + 5000, fence: 2 });
  expect(check([intent(0)], [second, arrival(0)])).toMatchObject({ received: 1, doubled: 1, doubledInFaults: 0 });
});

test('a second request beside one that is not answered yet is doubled', () => {
  const open = arrival(0, { answeredAt: null, status: null });
  expect(check([intent(0)], [open, arrival(0, { at: DUE + 20 })])).toMatchObject({ doubled: 1 });
});

test('a request after a failure is a retry, not a double', () => {
  const failed = arrival(0, { status: 500 });
  expect(check([intent(0)], [failed, arrival(0, { at: DUE + 4000 })])).toMatchObject({ doubled: 0, lost: 0 });
});

test('a double counts as caused by a fault only where the fault reached the request before it', () => {
  const again = arrival(0, { at: DUE + 9000, fence: 2 });
  expect(check([intent(0)], [arrival(0), again], [killedAt(DUE + 100)])).toMatchObject({
    doubled: 0,
    doubledInFaults: 1,
  });
  expect(check([intent(0)], [arrival(0), again], [killedAt(DUE + 9000)])).toMatchObject({
    doubled: 1,
    doubledInFaults: 0,
  });
});

test('a retry after the receiver stood still is no double: the sender gave up waiting for it', () => {
  const stalls = [{ kind: 'stall', from: DUE, to: DUE + 1500 }];
  const late = arrival(0, { at: DUE + 1500, answeredAt: DUE + 1501 });
  const retry = arrival(0, { at: DUE + 4000, attempt: 2, fence: 2 });
  const ledger = { intents: [intent(0)], faults: [], stalls };
  expect(checkLedger({ ...ledger, arrivals: [late, retry] })).toMatchObject({ doubled: 0, retriedInStalls: 1 });
  expect(checkLedger({ ...ledger, arrivals: [late, { ...retry, attempt: 1 }] })).toMatchObject({ doubled: 1 });
  expect(checkLedger({ ...ledger, arrivals: [late, retry], stalls: [] })).toMatchObject({ doubled: 1 });
});

test('a request with a lower fence after one with a higher is reported', () => {
  const arrivals = [arrival(0, { fence: 2 }), arrival(0, { at: DUE + 50, fence: 1 })];
  expect(check([intent(0)], arrivals)).toMatchObject({ fenceRegressions: 1 });
});

test('lateness is that of the first request', () => {
  const intents = Array.from({ length: 100 }, (_, number) => intent(number));
  const arrivals = intents.map(({ number }) => arrival(number, { at: DUE + number }));
  const again = arrival(0, { at: DUE + 9999 });
  expect(check(intents, [...arrivals, again]).lateness).toEqual({ p50: 50, p99: 99, max: 99 });
});

test('the table shows every number under its name', () => {
  const table = ledgerTable('One of two replicas killed', check([intent(0)], [arrival(0)]));
  const [title, names = '', values = ''] = table.split('\n');
  expect(title).toBe('One of two replicas killed');
  expect(names).toHaveLength(values.length);
  expect(names).toMatch(/sent.*acked.*lost.*early.*doubled.*in faults.*late p50/);
});
