import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Nothing the browser itself might want from the network; pages may reach this machine alone. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
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
  const profile = mkdtempSync(join(tmpdir(), 'punctual-chromium-'));
  const browser = spawn(chromiumBinary(), [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(browser, 'exit');
  const port = await debuggingPort(browser.stderr);
  const tab = await fetch(`http://127.0.0.1:${port}/json/new?about:blank`, { method: 'PUT' });
  const { webSocketDebuggerUrl } = (await tab.json()) as { webSocketDebuggerUrl: string };
  const page = await attach(webSocketDebuggerUrl);
  return {
    ...page,
    async close() {
      browser.kill('SIGKILL');
      await exited;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function chromiumBinary(): string {
  if (process.env.CHROMIUM_BIN) return process.env.CHROMIUM_BIN;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
  if (found !== undefined) return found;
  throw new Error('No Chromium: install one (Debian: apt-get install chromium) or name its binary in CHROMIUM_BIN.');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function debuggingPort(stderr: NodeJS.ReadableStream): Promise<string> {
  let told = '';
  for await (const chunk of stderr) {
    told += String(chunk);
    const port = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(told)?.[1];
    if (port !== undefined) return port;
  }
  throw new Error(`Chromium ended before it listened:\n${told}`);
}

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: { message: string };
}

async function attach(url: string): Promise<Page> {
  const socket = new WebSocket(url);
  const pending = new Map<number, (message: Message) => void>();
  const requested: string[] = [];
  const complaints: string[] = [];

  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) return pending.get(message.id)?.(message);
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

  let lastId = 0;
  const send = async <Result>(method: string, params: object = {}): Promise<Result> => {
    const id = (lastId += 1);
    const answer = new Promise<Message>((resolve) => pending.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
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
      const deadline = performance.now() + 20_000;
      for (;;) {
        const value = await evaluate<Value>(expression);
        if (value) return value;
        if (performance.now() > deadline) {
          throw new Error(`The page never came to ${expression}. It said:\n${complaints.join('\n')}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async screenshot() {
      const { data } = await send<{ data: string }>('Page.captureScreenshot', {});
      return Buffer.from(data, 'base64');
    },
  };
}
