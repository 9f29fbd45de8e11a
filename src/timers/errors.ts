/** Refusals the domain knows; `api/problem.ts` gives each its HTTP status. */
export type RefusalCode =
  | 'not_found'
  | 'invalid_request'
  | 'target_not_allowed'
  | 'idempotency_key_reused'
  | 'already_executing'
  | 'already_finished'
  | 'not_finished'
  | 'superseded'
  | 'payload_erased'
  | 'too_many_waiters'
  | 'store_unavailable'
  | 'shutting_down';

/** Where in a request the fault lies: a JSON pointer, and what is wrong there in plain words. */
export interface FieldError {
  pointer: string;
  message: string;
}

export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly errors: FieldError[];

  constructor(code: RefusalCode, detail: string, options: { errors?: FieldError[]; cause?: unknown } = {}) {
    super(detail, { cause: options.cause });
    this.name = 'Refusal';
    this.code = code;
    this.errors = options.errors ?? [];
  }
}

/** What was to be stored does not fit its columns, however often it is tried; the store itself is well. */
export class BadValue extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'BadValue';
  }
}
