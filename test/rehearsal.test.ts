import { describe, expect, jest, test } from '@jest/globals';
import { pino } from 'pino';
import { parseSigningSecrets } from '../src/delivery/index.ts';
import { systemClock } from '../src/platform/index.ts';
import { eventually } from './support/eventually.ts';
import { rehearse } from '../src/rehearsal.ts';

const logger = pino({ level: 'silent' });
const openSockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;

describe('The rehearsal before a start', () => {
  test('delivers each of its timers, signed as the real ones will be, and leaves no connection open', async () => {
    const before = openSockets();
    const signingSecrets = parseSigningSecrets(`whsec_${Buffer.alloc(32, 'a').toString('base64')}`);

    expect(await rehearse({ clock: systemClock, signingSecrets, logger })).toBe(1000);

    await eventually(() => openSockets() <= before);
  });

  test('delivers each once on a machine so slow that the first are late before they are claimed', async () => {
    let slept = 0;
    const monotonic = (): number => systemClock.monotonic() + (slept = Math.min(slept + 10, 100));
    expect(await rehearse({ clock: { ...systemClock, monotonic }, signingSecrets: [], logger })).toBe(1000);
  });

  test('is given up where it cannot be held: the replica starts all the same', async () => {
    const warn = jest.spyOn(logger, 'warn');
    const now = (): number => {
      throw new Error('no clock');
    };
    expect(await rehearse({ clock: { ...systemClock, now }, signingSecrets: [], logger })).toBe(0);
    expect(warn).toHaveBeenCalledWith({ err: new Error('no clock') }, 'rehearsal.failed');
  });
});
