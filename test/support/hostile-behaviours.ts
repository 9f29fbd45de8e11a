import type { Socket } from 'node:net';

/** What a receiver may do with an accepted connection, for `startTcpReceiver`. */
export type Behaviour = (socket: Socket) => void;

export const OK = 'HTTP/1.1 200 OK\r\n';

/** Waits for the first bytes of the request. */
export const onRequest = (act: (socket: Socket) => void) => (socket: Socket) =>
  void socket.once('data', () => act(socket));
export const answer = (text: string | Buffer) => onRequest((socket) => void socket.write(text));
export const answerAndClose = (text: string) => onRequest((socket) => void socket.end(text));
export const answerAndReset = (text: string) =>
  onRequest((socket) => socket.write(text, () => socket.resetAndDestroy()));

/** A piece every few milliseconds, without an end. */
export const drip = (head: string, piece: string) =>
  onRequest((socket) => {
    socket.write(head);
    const interval = setInterval(() => socket.write(piece), 5);
    socket.on('close', () => clearInterval(interval));
  });

/** As fast as the receiver's socket takes it, without an end. */
export const flood = (head: string, piece: string | Buffer) =>
  onRequest((socket) => {
    socket.write(head);
    const pour = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', pour);
    pour();
  });
