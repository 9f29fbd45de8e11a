import type { AttemptError } from '../timers/index.ts';
import { ANSWER_TOO_LONG } from './connection.ts';
import type { ConnectStage } from './connector.ts';

/** How far an attempt came. */
export type AttemptStage = ConnectStage | 'waiting' | 'reading';

const STAGE_IN_WORDS: Record<AttemptStage, string> = {
  lookup: 'looking up the host',
  connect: 'connecting',
  tls: 'in the TLS handshake',
  waiting: 'waiting for the answer',
  reading: 'reading the answer',
};

/** What goes wrong by the code of the error. Messages of errors are never shown, as they tell addresses. */
const BY_CODE: Record<string, AttemptError> = {
  ECONNREFUSED: { code: 'connection_refused', message: 'The receiver refused the connection.' },
  ENETUNREACH: { code: 'network_error', message: 'There is no route to the receiver.' },
  EHOSTUNREACH: { code: 'network_error', message: 'There is no route to the receiver.' },
  ENOTFOUND: { code: 'dns_not_found', message: 'The host name does not exist.' },
  ENODATA: { code: 'dns_not_found', message: 'The host name has no address.' },
  UND_ERR_HEADERS_OVERFLOW: { code: 'invalid_response', message: 'The headers of the answer are too long.' },
  [ANSWER_TOO_LONG]: { code: 'invalid_response', message: 'The answer is too long.' },
};

/** What the system says when it is we who have no descriptor, port or memory left. */
const OUT_OF_SOCKETS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);
export const NO_SOCKET = 'no_socket';

const CONNECTION_LOST = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET']);

export function timeoutAt(stage: AttemptStage): AttemptError {
  return { code: 'timeout', message: `Timed out ${STAGE_IN_WORDS[stage]}.` };
}

export const INTERRUPTED: AttemptError = {
  code: 'interrupted',
  message: 'The service stopped before the attempt came to an end.',
};

/** Whether the connection went away without a word. */
export function isConnectionLost(error: unknown): boolean {
  return CONNECTION_LOST.has(codeOf(error)) && !isProtocolViolation(error);
}

export function failureOf(error: unknown, stage: AttemptStage): AttemptError {
  const code = codeOf(error);
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  if (OUT_OF_SOCKETS.has(code)) return { code: NO_SOCKET, message: `This replica can open no connection (${code}).` };
  if (isConnectionLost(error)) {
    return {
      code: 'connection_reset',
      message: `The receiver closed the connection; we were ${STAGE_IN_WORDS[stage]}.`,
    };
  }
  if (code === 'ETIMEDOUT' || code === 'ETIMEOUT') return timeoutAt(stage);
  if (stage === 'lookup') return { code: 'dns_error', message: 'The host name could not be looked up.' };
  if (stage === 'tls') return { code: 'tls_error', message: `The TLS handshake failed (${code || 'unknown error'}).` };
  if (isProtocolViolation(error)) {
    return { code: 'invalid_response', message: 'The answer is not valid HTTP/1.1.' };
  }
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return { code: 'invalid_request', message: 'The request cannot be sent: its path or a header is not valid HTTP.' };
  }
  return { code: 'network_error', message: `The connection failed; we were ${STAGE_IN_WORDS[stage]}.` };
}

/** undici gives its parser's errors no code, and one code to a socket that closed and one it closed for what it read there. */
const isProtocolViolation = (error: unknown) =>
  textOf(error, 'name') === 'HTTPParserError' ||
  codeOf(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' ||
  (codeOf(error) === 'UND_ERR_SOCKET' && /^bad /.test(textOf(error, 'message')));

export const codeOf = (error: unknown): string => textOf(error, 'code');

function textOf(error: unknown, property: string): string {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, property) : undefined;
  return typeof value === 'string' ? value : '';
}
