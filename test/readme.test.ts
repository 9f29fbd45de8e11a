import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { readConfig, VARIABLES } from '../src/config.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const section = readme.split('## Configuration')[1]?.split('\n## ')[0] ?? '';
const table = new Map(
  [...section.matchAll(/^\| `([A-Z_]+)` *\| ([^|]*)\|/gm)].map(([, name = '', value = '']) => [name, value.trim()]),
);

describe('The configuration table of the README', () => {
  it('lists exactly the variables there are', () => {
    expect([...table.keys()].sort()).toEqual(Object.keys(VARIABLES).sort());
  });

  it('tells defaults that amount to setting nothing', () => {
    const defaults = Object.fromEntries([...table].filter(([name, value]) => value !== '' && !name.startsWith('DB_')));
    expect(readConfig(defaults)).toEqual(readConfig({}));
  });

  it('tells the defaults of a database given in parts', () => {
    const parts = { DB_HOST: 'db', DB_USER: 'u' };
    const defaults = Object.fromEntries([...table].filter(([name, value]) => value !== '' && name.startsWith('DB_')));
    expect(readConfig({ ...parts, ...defaults })).toEqual(readConfig(parts));
  });
});
