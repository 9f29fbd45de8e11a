import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import got, { AbortError, TimeoutError } from 'got';
import { z } from 'zod';
import { verdictOfAnswer, type AttemptError, type FailureVerdict } from '../timers/index.ts';

/** An answer is some fifty bytes; of one that is longer than this nothing is kept. */
const MAX_ANSWER_BYTES = 16 * 1024;

/** What a look at an object came to; `httpStatus` is null where no status line arrived. */
export type Look = { kind: 'seen'; online: boolean; httpStatus: number } | FailedLook;
export interface FailedLook {
  kind: 'failed';
  error: AttemptError;
  verdict: FailureVerdict;
  httpStatus: number | null;
}

/** The status API of the operator's, which no guard applies to. */
export interface StatusApi {
  /** One request. Never rejects; ends within the deadline, and at once when the signal is given. */
  look(objectId: string, query: { path: string; signal: AbortSignal }): Promise<Look>;
  close(): void;
}

const status = z.object({ id: z.union([z.string(), z.number()]), online: z.boolean() });

export function createStatusApi(deps: { url: string; timeoutMs: number; userAgent: string }): StatusApi {
  const agent = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  const client = got.extend({
    agent,
    // Tries are the engine's, which remembers them.
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    timeout: { request: deps.timeoutMs },
    headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': deps.userAgent },
  });

  return {
    async look(objectId, { path, signal }) {
      const stream = client.stream(`${deps.url}${path}`, { signal });
      try {
        const text = await readBounded(stream);
        return judge({ objectId, httpStatus: stream.response?.statusCode ?? 0, text });
      } catch (error) {
        const httpStatus = stream.response?.statusCode ?? null;
        return { kind: 'failed', error: failureOf(error), verdict: verdictOf(error, httpStatus), httpStatus };
      }
    },
    close() {
      agent.http.destroy();
      agent.https.destroy();
    },
  };
}

/** Leaving the loop early ends the request, so nothing of what follows is ever read. */
async function readBounded(stream: AsyncIterable<Buffer>): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function judge({
  objectId,
  httpStatus,
  text,
}: {
  objectId: string;
  httpStatus: number;
  text: string | undefined;
}): Look {
  const verdict = verdictOfAnswer(httpStatus);
  const failed = (code: string, message: string): Look => ({
    kind: 'failed',
    error: { code, message },
    verdict,
    httpStatus,
  });
  if (httpStatus !== 200) return failed(`http_${httpStatus}`, `The status API answered with status ${httpStatus}.`);
  if (text === undefined) return failed('invalid_response', 'The answer of the status API is too long.');
  const { success, data } = status.safeParse(jsonOf(text));
  if (!success) return failed('invalid_response', 'The status API did not answer with {"id", "online"} in JSON.');
  // A number too large to be exact is as inexact on both sides.
  const isMeant = typeof data.id === 'number' ? data.id === Number(objectId) : data.id === objectId;
  if (!isMeant) return failed('invalid_response', 'The status API answered for another object.');
  return { kind: 'seen', online: data.online, httpStatus };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Messages of errors are not shown, as they tell addresses. */
function failureOf(error: unknown): AttemptError {
  if (error instanceof TimeoutError) return { code: 'timeout', message: 'The status API did not answer in time.' };
  if (error instanceof AbortError)
    return { code: 'interrupted', message: 'The service stopped before the check came to an end.' };
  return { code: 'network_error', message: 'The status API could not be reached, or hung up.' };
}

function verdictOf(error: unknown, httpStatus: number | null): FailureVerdict {
  if (httpStatus !== null) return verdictOfAnswer(httpStatus);
  return error instanceof AbortError ? 'inconclusive' : 'unreachable';
}
