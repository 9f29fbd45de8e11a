import type { NewTimer } from './new-timer.ts';
import type { TimerView } from './timer-view.ts';

export const HOOK = 'https://someserver.com/hook';

/** Every way of saying when and what. */
export const ORDERS: Record<string, { summary: string; value: NewTimer }> = {
  numbers: { summary: 'In 4 hours and 1 second', value: { hours: 4, minutes: 0, seconds: 1, url: HOOK } },
  delay: { summary: 'In 90 seconds', value: { delay_ms: 90_000, url: HOOK } },
  duration: { summary: 'In one day, two hours and a half', value: { delay: '1d2h30m', url: HOOK } },
  instant: { summary: 'At an instant', value: { due_at: '2030-12-31T23:59:59+01:00', url: `${HOOK}?reason=year-end` } },
  wall_clock: {
    summary: 'When the clock in Berlin shows nine',
    value: { due_at_local: '2030-12-31T09:00:00', timezone: 'Europe/Berlin', url: HOOK },
  },
  request: {
    summary: 'A call of your own making',
    value: {
      delay: 'PT15M',
      url: 'https://someserver.com/orders/4711/expire',
      method: 'PUT',
      headers: { Authorization: 'Bearer abc', 'X-Tenant': 'blue' },
      body: { state: 'expired' },
      append_id: false,
      timeout_ms: 5000,
      max_attempts: 5,
      retry: { delays_ms: [1000, 10_000, 60_000] },
      expires_after_ms: 3_600_000,
      label: 'order-expiry',
      metadata: { order: '4711' },
    },
  },
  text: {
    summary: 'Text, at most once',
    value: { seconds: 30, url: HOOK, body_text: 'Tea is ready.', delivery: 'at_most_once' },
  },
};

export const WAITING: TimerView = {
  id: '0199f1d0-2b1e-7c3a-9a55-6f1f2f0a7b10',
  status: 'waiting',
  reason: null,
  time_left: 14_401,
  due_at: '2030-01-01T04:00:01.000Z',
  next_attempt_at: '2030-01-01T04:00:01.000Z',
  url: HOOK,
  method: 'POST',
  headers: null,
  label: null,
  metadata: null,
  key: null,
  delivery: 'at_least_once',
  attempts: 0,
  max_attempts: 8,
  lateness_ms: null,
  last_error: null,
  created_at: '2030-01-01T00:00:00.000Z',
  finished_at: null,
};

export const CANCELLED: TimerView = {
  ...WAITING,
  status: 'cancelled',
  time_left: 0,
  next_attempt_at: null,
  finished_at: '2030-01-01T00:10:00.000Z',
};

export const DONE: TimerView = {
  ...WAITING,
  status: 'done',
  time_left: 0,
  next_attempt_at: null,
  attempts: 1,
  lateness_ms: 1,
  finished_at: '2030-01-01T04:00:01.064Z',
};
