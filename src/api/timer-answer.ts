import type { ServerResponse } from 'node:http';
import type { KeyedResult, StoredTimer, Timer } from '../timers/index.ts';
import { sendJson } from './answer.ts';
import { problemOf } from './problem.ts';
import { viewTimer, type TimerView } from './timer-view.ts';

/** What the client of a request that made or changed a timer is told. */
export interface TimerAnswer {
  status: number;
  timer: TimerView;
}

/** As of the instant of the request, so that the time left is what was asked for and not a second more or less. */
export const answerOf = ({ kind, timer }: StoredTimer, { now }: { now: number }): TimerAnswer => ({
  status: kind === 'created' ? 201 : 200,
  timer: viewTimer(timer, { now }),
});

/** `replayed` tells that the same request was given this answer before. Throws a `Problem` where it was refused. */
export function answerTo(result: KeyedResult, given: { now: number }): TimerAnswer & { replayed: boolean } {
  if (result.kind === 'refused') throw problemOf(result.refusal);
  if (result.kind === 'replayed') return { ...(JSON.parse(result.answer) as TimerAnswer), replayed: true };
  return { ...answerOf(result, given), replayed: false };
}

export function sendAnswer(res: ServerResponse, { status, timer, replayed }: ReturnType<typeof answerTo>): void {
  sendJson(res, {
    status,
    headers: { Location: `/timers/${timer.id}`, ...(replayed ? { 'Idempotent-Replayed': 'true' } : {}) },
    body: timer,
  });
}

/** The timer as it stands now. */
export function sendTimer(res: ServerResponse, timer: Timer, { storeClock }: { storeClock: { now(): number } }): void {
  sendJson(res, { status: 200, body: viewTimer(timer, { now: Math.ceil(storeClock.now()) }) });
}
