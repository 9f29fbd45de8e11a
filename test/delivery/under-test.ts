import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createDelivery, type Delivery, type DeliveryDeps } from '../../src/delivery/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import type { ClaimedTimer, Outcome } from '../../src/timers/index.ts';
import { makeTimer, T0 } from '../support/timers.ts';

export const TIMER_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

export const aClaimedTimer = (over: Partial<ClaimedTimer>): ClaimedTimer => ({
  ...makeTimer({ id: TIMER_ID, status: 'executing', fence: 3 }),
  claimId: '01890a5d-ac96-774b-bcce-b302099a8058',
  ...over,
});

/** A fraction over a second after the timers of `makeTimer` are due. */
export const STORE_NOW = T0 + 1999.5;

export interface DeliveryUnderTest extends Delivery, AsyncDisposable {
  /** One attempt for a timer that is like the usual one but for what is given. */
  perform(over: Partial<ClaimedTimer>, signal?: AbortSignal, isOurs?: () => boolean): Promise<Outcome>;
}

/** A delivery that may call loopback, looks up no names, and gives an attempt two seconds. */
export function openDelivery(over: Partial<DeliveryDeps> = {}): DeliveryUnderTest {
  const delivery = createDelivery({
    timeoutMs: 2000,
    maxTimeoutMs: 600_000,
    concurrencyPerHost: 16,
    signingSecrets: [],
    allowedNetworks: [],
    allowLoopback: true,
    ownPorts: () => [],
    clock: systemClock,
    storeNow: () => STORE_NOW,
    userAgent: 'Punctual/test',
    lookup: () => Promise.reject(Object.assign(new Error('No such name'), { code: 'ENOTFOUND' })),
    onBug: () => undefined,
    ...over,
  });
  return {
    ...delivery,
    perform: (timer, signal = new AbortController().signal, isOurs = () => true) =>
      delivery.action.perform(aClaimedTimer(timer), signal, isOurs),
    [Symbol.asyncDispose]: () => delivery.close(),
  };
}

/** Calls all targets at once from a process of its own, with these variables added to its environment. */
export async function callAll(
  options: { targets: { url: string; bodyBytes: number }[]; timeoutMs: number },
  environment: Record<string, string> = {},
): Promise<{ outcomes: Outcome[]; growth: number }> {
  const script = new URL('call-all.ts', import.meta.url).pathname;
  // With little room for new objects: V8 would take 16 to 25 MB for what is garbage already, more beside a busy neighbour.
  const argv = ['--max-semi-space-size=4', script, JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(process.execPath, argv, {
    env: { ...process.env, ...environment },
  });
  return JSON.parse(stdout) as { outcomes: Outcome[]; growth: number };
}
