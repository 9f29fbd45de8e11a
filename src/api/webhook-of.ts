import type { TimerOrder } from '../timers/index.ts';
import { LARGEST_BODY, type BodyFields } from './body-fields.ts';
import type { RequestFields } from './request-fields.ts';
import { faultAt } from './validate.ts';

/** What of a timer says what is sent. */
export type WebhookOrder = Pick<TimerOrder, 'method' | 'headers' | 'body' | 'bodyBytes' | 'appendId' | 'timeoutMs'>;

export interface WebhookRules {
  /** Names that a client may not set; takes any case. */
  isReservedHeader: (name: string) => boolean;
  /** Longest deadline of one call that the lease covers. */
  maxTimeoutMs: number;
}

/** What is to be sent. Throws a `Problem` at the field that this service cannot send. */
export function webhookOf(asked: RequestFields, { isReservedHeader, maxTimeoutMs }: WebhookRules): WebhookOrder {
  const reserved = Object.keys(asked.headers ?? {}).find(isReservedHeader);
  if (reserved !== undefined) throw faultAt(['headers', reserved], 'is a header that this service sets itself');
  const { timeout_ms: timeoutMs = null } = asked;
  if (timeoutMs !== null && timeoutMs > maxTimeoutMs) {
    throw faultAt(['timeout_ms'], `must be ${maxTimeoutMs} or less, or the lease of a claim would not cover the call`);
  }
  const sent = bodyOf(asked);
  if (sent !== null && sent.bytes.length > LARGEST_BODY) {
    throw faultAt([sent.field], `must be ${LARGEST_BODY} bytes or less`);
  }
  return {
    method: asked.method ?? 'POST',
    headers: headersOf(asked, sent?.contentType),
    body: sent?.bytes ?? null,
    bodyBytes: sent?.bytes.length ?? 0,
    appendId: asked.append_id ?? true,
    timeoutMs,
  };
}

interface Body {
  field: keyof BodyFields;
  bytes: Buffer;
  /** Undefined for JSON, the type that every body has unless it is told otherwise. */
  contentType: string | undefined;
}

function bodyOf({ body, body_text, body_base64 }: BodyFields): Body | null {
  if (body !== undefined) {
    return { field: 'body', bytes: Buffer.from(JSON.stringify(body)), contentType: undefined };
  }
  if (body_text !== undefined) {
    return { field: 'body_text', bytes: Buffer.from(body_text), contentType: 'text/plain; charset=utf-8' };
  }
  if (body_base64 !== undefined) {
    const bytes = Buffer.from(body_base64, 'base64');
    return { field: 'body_base64', bytes, contentType: 'application/octet-stream' };
  }
  return null;
}

function headersOf(
  { headers = {}, content_type }: RequestFields,
  usual: string | undefined,
): Record<string, string> | null {
  const isGiven = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  const contentType = content_type ?? (isGiven ? undefined : usual);
  const all = contentType === undefined ? headers : { ...headers, 'content-type': contentType };
  return Object.keys(all).length === 0 ? null : all;
}
