import { setTimeout as delay } from 'node:timers/promises';
import type { Intent } from './ledger.ts';

/** Longer than the 5 s in which the service promises any answer. */
const ANSWER_WITHIN_MS = 15_000;
/** Codes of errors after which no byte of the request can have been read. */
const NEVER_SENT = new Set(['ECONNREFUSED']);

/** Answers for which a client may be sure that no timer was made. */
const isRefusal = (status: number, code: unknown) => status < 500 || code === 'shutting_down';

export interface Load {
  count: number;
  perSecond: number;
  /** When each is to be due, from the instant of its request. */
  delayMs: (number: number) => number;
  /** Which replica is asked. */
  target: (number: number) => string;
}

/** Creates timers over HTTP and notes what it was told about each. Asking again is up to the test: each intent is one request. */
export interface LedgerClient {
  intents: Intent[];
  /** Sends at a steady pace, whatever becomes of the requests; resolves when each has been answered or has failed. */
  create(load: Load): Promise<Intent[]>;
}

export function createLedgerClient({ urlOf }: { urlOf: (number: number) => string }): LedgerClient {
  const intents: Intent[] = [];

  async function request(base: string, delayMs: number): Promise<Intent> {
    const number = intents.length;
    const intent: Intent = {
      number,
      sentAt: Date.now(),
      answeredAt: null,
      result: 'pending',
      error: null,
      id: null,
      dueAt: null,
    };
    intents.push(intent);
    try {
      await ask(intent, base, { delay_ms: delayMs, url: urlOf(number) });
    } catch (error) {
      const { code, message } = causeOf(error);
      intent.error = code ?? message;
      intent.result = NEVER_SENT.has(code ?? '') ? 'refused' : 'indeterminate';
    }
    intent.answeredAt = Date.now();
    return intent;
  }

  return {
    intents,
    async create({ count, perSecond, delayMs, target }) {
      const startedAt = performance.now();
      const requests: Promise<Intent>[] = [];
      for (let number = 0; number < count; number++) {
        const waitMs = startedAt + (number * 1000) / perSecond - performance.now();
        if (waitMs > 1) await delay(waitMs);
        requests.push(request(target(number), delayMs(number)));
      }
      return Promise.all(requests);
    },
  };
}

async function ask(intent: Intent, base: string, body: { delay_ms: number; url: string }): Promise<void> {
  const response = await fetch(`${base}/timers`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  const answer = (await response.json()) as { id: string; due_at: string; code?: string };
  if (response.status === 201) {
    Object.assign(intent, { result: 'acked', id: answer.id, dueAt: Date.parse(answer.due_at) });
    return;
  }
  intent.error = String(response.status);
  intent.result = isRefusal(response.status, answer.code) ? 'refused' : 'indeterminate';
}

/** `fetch` wraps what happened. */
function causeOf(error: unknown): { code?: string; message: string } {
  const { cause, message } = error as Error;
  return (cause as { code?: string; message: string } | undefined) ?? { message };
}
