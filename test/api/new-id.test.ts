import { describe, expect, it } from '@jest/globals';
import { newId } from '../../src/api/new-id.ts';

const START = Date.UTC(2030, 0, 1);
const instantOf = (id: string) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

describe('An id', () => {
  it('is a UUIDv7 of its millisecond', () => {
    const id = newId(START);

    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(instantOf(id)).toBe(START);
  });

  it('sorts behind every earlier one, within a millisecond and when the clock is set back', () => {
    const ids = Array.from({ length: 5000 }, (_, index) => newId(START + 10 + (index % 7) * (index < 2500 ? 1 : -1)));

    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(5000);
  });

  it('cannot be guessed from the one of another millisecond', () => {
    const counts = Array.from({ length: 100 }, (_, index) => newId(START + 100 + index).slice(14, 23));

    expect(new Set(counts).size).toBe(100);
  });
});
