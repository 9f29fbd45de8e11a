import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createJsonBounds, type JsonLimits } from '../../src/api/json-bounds.ts';

const RUNS = process.env.TEST_FULL === '1' ? 5000 : 200;

/** What is said of the JSON when it comes in pieces that end at these bytes. */
function verdictOn(json: string, { ends = [], limits }: { ends?: number[]; limits?: JsonLimits } = {}) {
  const look = createJsonBounds(limits);
  const bytes = Buffer.from(json);
  const cuts = [0, ...ends.map((end) => end % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [index, cut] of cuts.entries()) {
    const problem = look(bytes.subarray(cuts[index - 1] ?? 0, cut));
    if (problem) return problem;
  }
  return undefined;
}

/** The same counts, naively. */
function countsOf(value: unknown): JsonLimits {
  if (typeof value !== 'object' || value === null) return { deepest: 0, containers: 0, members: 0, membersOfOne: 0 };
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  const counts = { deepest: 1, containers: 1, members: own, membersOfOne: own };
  for (const inner of Object.values(value).map(countsOf)) {
    counts.deepest = Math.max(counts.deepest, inner.deepest + 1);
    counts.containers += inner.containers;
    counts.members += inner.members;
    counts.membersOfOne = Math.max(counts.membersOfOne, inner.membersOfOne);
  }
  return counts;
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const listOf = (count: number, item: (index: number) => string) =>
  `[${Array.from({ length: count }, (_, i) => item(i)).join()}]`;
const objectOf = (count: number, first = 0) =>
  `{${Array.from({ length: count }, (_, i) => `"${first + i}":1`).join()}}`;

describe('The bounds of JSON', () => {
  it.each([
    [
      'a thousand timers with JSON of 8 KiB',
      listOf(
        1000,
        () =>
          `{"url":"https://x.example","body":${listOf(80, () => '{"sku":"A-4711","quantity":3,"price":1999,"title":"a thing that is quite ordinary, really"}')}}`,
      ),
    ],
    ['110 levels', nested(110)],
    ['a hundred thousand lists beside one another', listOf(100_000, () => '[]')],
    ['any number of numbers', listOf(1_000_000, () => '1')],
    ['brackets and colons in strings', JSON.stringify(['[{":'.repeat(300_000), '"]', '\\"['])],
  ])('are wide enough for %s', (_, json) => {
    expect(verdictOn(json)).toBeUndefined();
  });

  it.each([
    ['111 levels', nested(111), 'invalid_request', 'The body must not be nested deeper than 110 levels.'],
    [
      'lists without end',
      listOf(200_000, () => '[]'),
      'too_large',
      'The body has more than 200000 lists and objects in all.',
    ],
    [
      'names without end',
      listOf(21, (i) => objectOf(20_000, i * 20_000)),
      'too_large',
      'The body has more than 400000 members of objects in all.',
    ],
    ['an object without end', objectOf(20_001), 'too_large', 'The body has more than 20000 members in one object.'],
  ])('refuse %s', (_, json, code, message) => {
    expect(verdictOn(json)).toMatchObject({ code, message });
  });

  it('are those that a naive count finds, wherever the pieces end', () => {
    const json = fc.jsonValue({ depthSize: 'large', stringUnit: fc.constantFrom('"', '\\', '[', '}', ':', 'ß', '🚪') });
    const cuts = fc.array(fc.nat(), { maxLength: 20 });
    const off = fc.integer({ min: -1, max: 1 });
    const offs = fc.record<JsonLimits>({ deepest: off, containers: off, members: off, membersOfOne: off });

    fc.assert(
      fc.property(json, cuts, offs, fc.nat(1), (value, ends, offs, indent) => {
        const limits = countsOf(value);
        for (const name of Object.keys(limits) as (keyof JsonLimits)[]) limits[name] += offs[name];
        const verdict = verdictOn(JSON.stringify(value, null, indent), { ends, limits });
        expect(verdict === undefined).toBe(Object.values(offs).every((each) => each >= 0));
      }),
      { numRuns: RUNS },
    );
  });
});
