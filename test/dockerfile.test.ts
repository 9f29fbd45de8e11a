import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { startArguments } from './support/start-command.ts';

describe('The image', () => {
  it('runs the service with the flags of `npm start`', () => {
    const dockerfile = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8');
    const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
    expect(command.slice(1, -1)).toEqual(startArguments.slice(0, -1));
  });
});
