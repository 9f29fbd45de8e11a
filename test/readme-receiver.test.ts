import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { eventually } from './support/eventually.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const snippet = /<!-- receiver -->\s*```js\n([\s\S]*?)```/.exec(readme)?.[1];
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('The receiver that the README shows', () => {
  // Below the repository, so that it finds the package it imports.
  const folder = join(root, '.cache', `receiver-${process.pid}`);
  let url: string;
  let output = '';
  let child: ReturnType<typeof spawn>;

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'receiver.mjs'), snippet ?? '');
    const port = await freePort();
    url = `http://127.0.0.1:${port}/hook`;
    child = spawn(process.execPath, [join(folder, 'receiver.mjs')], {
      env: { PORT: String(port), SIGNING_SECRET: secret },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await eventually(
      () =>
        call('probe', 1, 'whsec_' + Buffer.alloc(32).toString('base64')).then(
          () => true,
          () => false,
        ),
      10_000,
    );
  });
  afterAll(async () => {
    child.kill();
    await once(child, 'exit');
    rmSync(folder, { recursive: true });
  });

  async function call(id: string, fence: number, key = secret): Promise<number> {
    const body = JSON.stringify({ id });
    const at = new Date();
    const { status } = await fetch(url, {
      method: 'POST',
      body,
      headers: {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(key).sign(id, at, body),
        'punctual-fence': String(fence),
      },
    });
    return status;
  }
  const timesWorkedFor = (id: string) => output.split(`working for ${id}\n`).length - 1;

  it('refuses what is not signed by the service', async () => {
    expect(await call('forged', 1, `whsec_${Buffer.alloc(32, 8).toString('base64')}`)).toBe(401);
    expect(timesWorkedFor('forged')).toBe(0);
  });

  it('works once for each id, however often it is called', async () => {
    expect(await call('twice', 1)).toBe(200);
    expect(await call('twice', 1)).toBe(200);
    expect(await call('twice', 2)).toBe(200);
    await eventually(() => timesWorkedFor('twice') === 1);
  });

  it('refuses a call that a newer one has overtaken', async () => {
    expect(await call('overtaken', 5)).toBe(200);
    expect(await call('overtaken', 4)).toBe(409);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
