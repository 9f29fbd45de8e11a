import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';

/** A request as it goes on the wire; the host and the framing are added to it. */
export interface WireRequest {
  method: Dispatcher.HttpMethod;
  /** With its query. */
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body: Uint8Array | null;
}

export type AnswerHeaders = Record<string, string | string[] | undefined>;

export interface AnswerReader {
  /**
   * The request is about to be handed to the socket, some turns of the loop after `send`; up to here the receiver cannot know
   * of it. False when it is not to be sent any more: then it ends with `onError`, and not a byte has left.
   */
  onSending(): boolean;
  /** The first bytes of an answer are there. */
  onBegun(): void;
  /** The head of the final answer, not of an interim one. */
  onHead(status: number, headers: AnswerHeaders): void;
  onBody(chunk: Buffer): void;
  /** Exactly one of these two ends it. */
  onEnd(): void;
  onError(error: Error): void;
}

/** One guarded socket that carries one request at a time. */
export interface Connection {
  readonly origin: string;
  /** Whether the address reached is public, so that the answer may be shown to the client. */
  readonly isPublic: boolean;
  isOpen(): boolean;
  /** Whether it has carried a request. */
  isUsed(): boolean;
  /** Whether the whole request has left us; an answer that came sooner leaves the rest in the way of the next request. */
  isFlushed(): boolean;
  send(request: WireRequest, reader: AnswerReader): void;
  /** Closes the socket at once; a request on it ends with `onError`. */
  discard(): void;
}

/** Everything the receiver sends in answer to one request: interim answers, head, body, and the framing of them. */
const LONGEST_ANSWER_BYTES = 64 * 1024;
const LONGEST_HEAD_BYTES = 16 * 1024;
/** Shorter than what common servers and balancers keep, so that it is mostly we who close. */
const KEEP_ALIVE_MS = 4000;
const LONGEST_KEEP_ALIVE_MS = 30_000;

export const ANSWER_TOO_LONG = 'ANSWER_TOO_LONG';

/**
 * undici's client over a socket that the guard has opened. It never connects by itself: a client whose socket is gone is of
 * no use any more. Its own timers are off, as the attempt has one deadline for everything.
 */
export function openConnection(deps: {
  socket: Socket;
  origin: string;
  isPublic: boolean;
  onClosed: (connection: Connection) => void;
}): Connection {
  const { socket, origin, isPublic, onClosed } = deps;
  let isSocketGiven = false;
  let isUsed = false;
  let bytesBefore = 0;

  const client = new Client(origin, {
    connect: (_options, callback) => {
      if (isSocketGiven) {
        callback(Object.assign(new Error('The connection was closed'), { code: 'ECONNRESET' }), null);
        return;
      }
      isSocketGiven = true;
      // undici waits for a callback that comes later than the call; one within it is lost.
      queueMicrotask(() => callback(null, socket));
    },
    pipelining: 1,
    allowH2: false,
    useMilo: false,
    maxHeaderSize: LONGEST_HEAD_BYTES,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: LONGEST_KEEP_ALIVE_MS,
  });
  client.once('connect', () => {
    // Counted on the wire, so that a reason phrase, a chunk extension or a flood of interim answers has the same end.
    socket.on('readable', () => {
      if (socket.bytesRead - bytesBefore > LONGEST_ANSWER_BYTES) {
        socket.destroy(Object.assign(new Error('The answer is too long'), { code: ANSWER_TOO_LONG }));
      }
    });
  });

  /** Of the request under way. Not kept beyond it: an idle connection must not hold on to a timer and its body. */
  let reader: AnswerReader | undefined;
  const ended = () => {
    const last = reader;
    reader = undefined;
    return last;
  };
  // One for all requests, as there is one at a time.
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      if (reader?.onSending() !== true) controller.abort(new Error('The request is not to be sent any more'));
    },
    onResponseStarted: () => reader?.onBegun(),
    onResponseStart(_controller, status, headers) {
      if (status >= 200) reader?.onHead(status, headers);
    },
    onResponseData: (_controller, chunk) => reader?.onBody(chunk),
    onResponseEnd: () => ended()?.onEnd(),
    onResponseError: (_controller, error) => ended()?.onError(error),
  };

  const connection: Connection = {
    origin,
    isPublic,
    // Before the first request nobody reads the socket: what came then would pass for the answer to it.
    isOpen: () => !socket.destroyed && (isUsed || socket.readableLength === 0),
    isUsed: () => isUsed,
    isFlushed: () => socket.writableLength === 0,
    send(request, itsReader) {
      isUsed = true;
      reader = itsReader;
      bytesBefore = socket.bytesRead;
      client.dispatch(request, handler);
    },
    discard: () => void socket.destroy(),
  };
  socket.once('close', () => onClosed(connection));
  return connection;
}
