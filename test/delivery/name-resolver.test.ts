import { describe, expect, it, jest } from '@jest/globals';
import { createNameResolver, type Lookup } from '../../src/delivery/name-resolver.ts';
import { createManualClock } from '../support/manual-clock.ts';

const notFound = Object.assign(new Error('No such name'), { code: 'ENOTFOUND' });

function open(lookup: Lookup) {
  const clock = createManualClock();
  const asked = jest.fn(lookup);
  return { clock, asked, resolve: createNameResolver({ lookup: asked, clock }) };
}

describe('names', () => {
  it('are looked up once for all who ask at the same time', async () => {
    const { asked, resolve } = open(() => Promise.resolve(['192.0.2.1']));

    const answers = await Promise.all(Array.from({ length: 100 }, () => resolve('a.example.com')));

    expect(answers).toEqual(Array.from({ length: 100 }, () => ['192.0.2.1']));
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('are remembered for five seconds', async () => {
    const { clock, asked, resolve } = open(() => Promise.resolve(['192.0.2.1']));
    await resolve('a.example.com');

    clock.advance(4999);
    await resolve('a.example.com');
    expect(asked).toHaveBeenCalledTimes(1);
    clock.advance(1);
    await resolve('a.example.com');
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('that do not exist are remembered for one second', async () => {
    const { clock, asked, resolve } = open(() => Promise.reject(notFound));
    await expect(resolve('a.example.com')).rejects.toBe(notFound);

    clock.advance(999);
    await expect(resolve('a.example.com')).rejects.toBe(notFound);
    expect(asked).toHaveBeenCalledTimes(1);
    clock.advance(1);
    await expect(resolve('a.example.com')).rejects.toBe(notFound);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('whose look-up hangs do not keep later callers waiting for it', async () => {
    const answers: Promise<string[]>[] = [new Promise(() => {}), Promise.resolve(['192.0.2.1'])];
    const { clock, resolve } = open(() => answers.shift() ?? Promise.reject(notFound));
    void resolve('a.example.com');

    clock.advance(5000);

    expect(await resolve('a.example.com')).toEqual(['192.0.2.1']);
  });

  it('are forgotten, the oldest first, beyond a thousand', async () => {
    const { asked, resolve } = open(() => Promise.resolve(['192.0.2.1']));
    for (let index = 0; index <= 1000; index += 1) await resolve(`host-${index}.example.com`);

    await resolve('host-1000.example.com');
    expect(asked).toHaveBeenCalledTimes(1001);
    await resolve('host-0.example.com');
    expect(asked).toHaveBeenCalledTimes(1002);
  });
});
