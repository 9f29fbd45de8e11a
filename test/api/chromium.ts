import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromiumBinary } from '../support/chromium-binary.ts';
import { eventually } from '../support/eventually.ts';

/** Nothing the browser itself might want from the network; pages may reach this machine alone. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--window-size=1280,1600',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
  '--remote-debugging-port=0',
];

/** A page in a real browser, driven over the DevTools protocol. */
export interface Page {
  open(url: string): Promise<void>;
  /** The value of an expression in the page, once it is truthy; fails with the page's complaints after 20 s. */
  until<Value>(expression: string): Promise<Value>;
  /** Every URL the page asked for, those that its content policy held back too. */
  requested: string[];
  /** What the page complained of: errors, and what its content policy held back. */
  complaints: string[];
  screenshot(): Promise<Buffer>;
}

export async function launchChromium(): Promise<Page & { close(): Promise<void> }> {
  const { command, origin, env } = await findChromiumBinary();
  const profile = mkdtempSync(join(tmpdir(), 'punctual-chromium-'));
  const browser = spawn(command, [...FLAGS, `--user-data-dir=${profile}`], {
    env: { ...process.env, ...env, HOME: profile },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(browser, 'exit');
  const close = async () => {
    browser.kill('SIGKILL');
    await exited;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  let told = '';
  const gone = () => new Error(`Chromium (${origin}) is gone. It said:\n${told.slice(-4_000)}`);
  const listening = new Promise<string>((resolve, reject) => {
    browser.stderr.on('data', (chunk) => {
      told += String(chunk);
      const port = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(told)?.[1];
      if (port !== undefined) resolve(port);
    });
    browser.once('error', reject).once('close', () => reject(gone()));
  });
  try {
    const port = await listening;
    const tab = await fetch(`http://127.0.0.1:${port}/json/new?about:blank`, { method: 'PUT' });
    const { webSocketDebuggerUrl } = (await tab.json()) as { webSocketDebuggerUrl: string };
    return { ...(await attach(webSocketDebuggerUrl, gone)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: { message: string };
}

async function attach(url: string, gone: () => Error): Promise<Page> {
  const socket = new WebSocket(url);
  const pending = new Map<number, PromiseWithResolvers<Message>>();
  const requested: string[] = [];
  const complaints: string[] = [];

  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) return pending.get(message.id)?.resolve(message);
    if (message.method === 'Network.requestWillBeSent') {
      requested.push((message.params as { request: { url: string } }).request.url);
    }
    if (message.method === 'Log.entryAdded') {
      const { entry } = message.params as { entry: { level: string; text: string; url?: string } };
      if (entry.level === 'error') complaints.push(`${entry.text} ${entry.url ?? ''}`);
    }
    if (message.method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(message.params));
  });
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  // A browser that crashes answers nothing any more.
  socket.addEventListener('close', () => pending.forEach(({ reject }) => reject(gone())));

  let lastId = 0;
  const send = async <Result>(method: string, params: object = {}): Promise<Result> => {
    if (socket.readyState !== WebSocket.OPEN) throw gone();
    const id = (lastId += 1);
    const answer = Promise.withResolvers<Message>();
    pending.set(id, answer);
    socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer.promise;
    pending.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result as Result;
  };
  for (const domain of ['Network', 'Page', 'Runtime', 'Log']) await send(`${domain}.enable`);

  const evaluate = async <Value>(expression: string): Promise<Value> => {
    const { result } = await send<{ result: { value: Value } }>('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    return result.value;
  };

  return {
    requested,
    complaints,
    async open(address) {
      await send('Page.navigate', { url: address });
    },
    async until<Value>(expression: string) {
      let value: Value | undefined;
      await eventually(async () => Boolean((value = await evaluate<Value>(expression))), 20_000).catch(
        (cause: unknown) => {
          throw new Error(`The page never came to ${expression}. It said:\n${complaints.join('\n')}`, { cause });
        },
      );
      return value as Value;
    },
    async screenshot() {
      const { data } = await send<{ data: string }>('Page.captureScreenshot', {});
      return Buffer.from(data, 'base64');
    },
  };
}
