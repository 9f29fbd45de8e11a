import { Refusal, type FieldError, type RefusalCode } from '../timers/index.ts';

/** What only HTTP can get wrong; the rest are the domain's refusals. */
type RequestFault =
  | 'malformed_request'
  | 'malformed_json'
  | 'unauthorized'
  | 'host_not_allowed'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'headers_too_large'
  | 'overloaded'
  | 'internal_error';

export type ProblemCode = RefusalCode | RequestFault;

/** The one table of statuses. `retryAfter` is in seconds, for what passes by itself. */
export const PROBLEMS: Readonly<Record<ProblemCode, { status: number; title: string; retryAfter?: number }>> = {
  malformed_request: { status: 400, title: 'Malformed HTTP request' },
  malformed_json: { status: 400, title: 'Malformed JSON' },
  unauthorized: { status: 401, title: 'API key missing or unknown' },
  host_not_allowed: { status: 403, title: 'Host not allowed' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'Request too slow' },
  already_executing: { status: 409, title: 'Already executing' },
  already_finished: { status: 409, title: 'Already finished' },
  not_finished: { status: 409, title: 'Not finished' },
  superseded: { status: 409, title: 'Superseded under its key' },
  payload_erased: { status: 409, title: 'Payload erased' },
  too_large: { status: 413, title: 'Request body too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  invalid_request: { status: 422, title: 'Invalid request' },
  target_not_allowed: { status: 422, title: 'Target not allowed' },
  idempotency_key_reused: { status: 422, title: 'Idempotency key reused' },
  rate_limited: { status: 429, title: 'Too many requests', retryAfter: 1 },
  too_many_waiters: { status: 429, title: 'Too many waiting requests', retryAfter: 1 },
  headers_too_large: { status: 431, title: 'Request headers too large' },
  internal_error: { status: 500, title: 'Internal error' },
  overloaded: { status: 503, title: 'Overloaded', retryAfter: 1 },
  store_unavailable: { status: 503, title: 'Store unavailable', retryAfter: 2 },
  shutting_down: { status: 503, title: 'Shutting down', retryAfter: 1 },
};

/** A request that is refused: what `problemDocument` needs, and headers that belong to this refusal. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly errors: FieldError[];
  readonly headers: Record<string, string>;
  /** Further members of the document (RFC 9457 §3.2). */
  readonly members: Record<string, unknown>;

  constructor(
    code: ProblemCode,
    detail: string,
    options: {
      errors?: FieldError[];
      headers?: Record<string, string>;
      members?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.errors = options.errors ?? [];
    this.members = options.members ?? {};
    const { retryAfter } = PROBLEMS[code];
    this.headers = { ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }), ...options.headers };
  }
}

/** Whatever was thrown, as what the client may know of it. Nothing of an unforeseen error goes out. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Refusal) return new Problem(error.code, error.message, { errors: error.errors, cause: error });
  // The router's only own error: a path whose percent-encoding cannot be decoded names nothing we have.
  if (error instanceof URIError) return new Problem('not_found', 'The path is not properly percent-encoded.');
  return new Problem('internal_error', 'Something went wrong here. The request_id finds the details in our log.', {
    cause: error,
  });
}

/** RFC 9457. */
export function problemDocument(problem: Problem, requestId: string) {
  const { status, title } = PROBLEMS[problem.code];
  return {
    type: `urn:punctual:${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    request_id: requestId,
    ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
    ...problem.members,
  };
}
