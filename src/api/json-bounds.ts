import { Problem } from './problem.ts';
import { faultAt } from './validate.ts';

/** How much of what a body may have. */
export interface JsonLimits {
  deepest: number;
  containers: number;
  members: number;
  membersOfOne: number;
}

const LIMITS: JsonLimits = {
  // JSON in a timer's body may have a hundred levels, and a batch of timers is a few above them.
  deepest: 110,
  // A thousand timers with ordinary JSON of 8 KiB each stay below both.
  containers: 200_000,
  members: 400_000,
  // More than fit the JSON of one timer, with names that differ.
  membersOfOne: 20_000,
};

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];

/** Takes the next bytes of a body. Returns the refusal once they go beyond a bound. */
export type JsonBounds = (piece: Uint8Array) => Problem | undefined;

/**
 * What a few MB of JSON may consist of. `JSON.parse` takes seconds, and lets nothing else happen meanwhile, for as many bytes
 * of brackets or of different names as it takes milliseconds for ordinary ones. What is no JSON is left to it: it ends there.
 */
export function createJsonBounds(limits = LIMITS): JsonBounds {
  const found: JsonLimits = { deepest: 0, containers: 0, members: 0, membersOfOne: 0 };
  /** Of the objects that are open, by their depth. */
  const membersAt: number[] = [0];
  let depth = 0;
  let inString = false;
  let isEscaped = false;

  function count(byte: number): void {
    if (byte === QUOTE) {
      inString = true;
    } else if (byte === COLON) {
      const members = (membersAt[depth] ?? 0) + 1;
      membersAt[depth] = members;
      found.members += 1;
      if (members > found.membersOfOne) found.membersOfOne = members;
    } else if (isOpening(byte)) {
      membersAt[++depth] = 0;
      found.containers += 1;
      if (depth > found.deepest) found.deepest = depth;
    } else if (isClosing(byte) && depth > 0) {
      depth -= 1;
    }
  }

  return (piece) => {
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] as number;
      if (!inString) count(byte);
      else if (isEscaped) isEscaped = false;
      else if (byte === BACKSLASH) isEscaped = true;
      else if (byte === QUOTE) inString = false;
    }
    return refusalOf(found, limits);
  };
}

/** `[` and `{` differ in one bit, and so do `]` and `}`. */
const isOpening = (byte: number): boolean => (byte | 0x20) === 0x7b;
const isClosing = (byte: number): boolean => (byte | 0x20) === 0x7d;

function refusalOf(found: JsonLimits, limits: JsonLimits): Problem | undefined {
  if (found.deepest > limits.deepest) return faultAt([], `must not be nested deeper than ${limits.deepest} levels`);
  if (found.membersOfOne > limits.membersOfOne) return tooMany(`${limits.membersOfOne} members in one object`);
  if (found.containers > limits.containers) return tooMany(`${limits.containers} lists and objects in all`);
  if (found.members > limits.members) return tooMany(`${limits.members} members of objects in all`);
  return undefined;
}

const tooMany = (what: string) => new Problem('too_large', `The body has more than ${what}.`);
