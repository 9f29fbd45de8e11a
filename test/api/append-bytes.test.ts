import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from '@jest/globals';
import { createBodyBudget } from '../../src/api/body-budget.ts';
import { readJson } from '../../src/api/read-json.ts';
import { readLines } from '../../src/api/read-lines.ts';

const BYTES = 100_000;
const MAX_BYTES = 2 * BYTES;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it.each([
  ['JSON', (req: IncomingMessage) => readJson(req, { maxBytes: MAX_BYTES, bodies: createBodyBudget() })],
  [
    'a line',
    async (req: IncomingMessage) => {
      const clock = { after: () => () => undefined };
      const lines = readLines(req, { maxLineBytes: MAX_BYTES, idleMs: 1000, clock });
      for await (const [line] of lines) if (line?.bytes) return JSON.parse(line.bytes.toString()) as unknown;
      return undefined;
    },
  ],
])('%s that comes byte by byte takes little more memory than its bytes', async (_name, read) => {
  const body = new PassThrough();
  const reading = read(Object.assign(body, { headers: { 'content-type': 'application/json' } }) as never);
  const text = JSON.stringify('x'.repeat(BYTES));
  const before = memoryInUse();

  for (const byte of text) {
    body.write(Buffer.from(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const held = memoryInUse() - before;
  body.end('\n');

  expect(await reading).toBe(JSON.parse(text));
  expect(held).toBeLessThan(30 * BYTES);
});
