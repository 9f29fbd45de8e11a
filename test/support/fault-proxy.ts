import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What becomes of a connection when a client sends a statement that matches. */
export type StatementFault =
  /** Cut before the server gets it. */
  | 'lose the statement'
  /** Cut when the server has answered, before the client gets a byte of that. */
  | 'lose the answer'
  /** From its first packet on nothing passes any more, in either direction; both ends stay open. */
  | 'fall silent';

/** A TCP proxy in front of a MySQL server, for everything that goes wrong on the way there. */
export interface FaultProxy {
  port: number;
  /** The URL with the proxy's port in place of the server's. */
  through(url: string): string;
  /** Ends every fault; what was held back in a black hole arrives, the ends of connections too. */
  pass(): Promise<void>;
  /** Connections are refused, and those there are cut. */
  refuse(): Promise<void>;
  /** Connections are accepted and nothing passes, as with a network that drops packets. */
  blackHole(): void;
  /** Destroys every connection; new ones pass. */
  cut(): void;
  /** The next statement that matches gets the fault. Resolves when it has happened. */
  once(statement: RegExp, fault: StatementFault): Promise<void>;
  /** From now on what matches is sent on as another text, not longer than the matched. */
  rewrite(statement: RegExp, replacement: string): void;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections that were ever accepted. */
  readonly accepted: number;
  close(): Promise<void>;
}

interface Link {
  client: Socket;
  server: Socket;
  silent: boolean;
  losesAnswer: (() => void) | undefined;
}

interface Trap {
  statement: RegExp;
  fault: StatementFault;
  sprung: () => void;
}

export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const links = new Set<Link>();
  const traps = new Set<Trap>();
  const rewrites: { statement: RegExp; replacement: string }[] = [];
  let black = false;
  let accepted = 0;
  const listener = createServer({ pauseOnConnect: true }, accept);
  const port = await listen(listener, 0);

  function accept(client: Socket): void {
    accepted++;
    const link: Link = { client, server: connect(target), silent: black, losesAnswer: undefined };
    links.add(link);
    for (const socket of [client, link.server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (!link.silent) destroy(link);
      });
    }
    client.on('data', (chunk) => fromClient(link, chunk));
    link.server.on('data', (chunk) => fromServer(link, chunk));
    if (link.silent) silence(link);
    else client.resume();
  }

  function fromClient(link: Link, chunk: Buffer): void {
    const text = chunk.toString('latin1');
    const trap = [...traps].find(({ statement }) => statement.test(text));
    if (trap !== undefined) {
      traps.delete(trap);
      if (trap.fault === 'lose the answer') link.losesAnswer = trap.sprung;
      else {
        if (trap.fault === 'lose the statement') destroy(link);
        else silence(link);
        trap.sprung();
      }
    }
    link.server.write(rewritten(chunk, text));
  }

  function fromServer(link: Link, chunk: Buffer): void {
    if (link.losesAnswer === undefined) {
      link.client.write(chunk);
      return;
    }
    destroy(link);
    link.losesAnswer();
  }

  /** The packet's length is said before it, so the text keeps its own. */
  function rewritten(chunk: Buffer, text: string): Buffer {
    const changed = rewrites.reduce(
      (before, { statement, replacement }) => before.replace(statement, (match) => replacement.padEnd(match.length)),
      text,
    );
    return changed === text ? chunk : Buffer.from(changed, 'latin1');
  }

  function silence(link: Link): void {
    link.silent = true;
    link.client.pause();
    link.server.pause();
  }

  function destroy(link: Link): void {
    links.delete(link);
    link.client.destroy();
    link.server.destroy();
  }

  function cut(): void {
    for (const link of links) destroy(link);
  }

  async function refuse(): Promise<void> {
    const closed = listener.listening ? once(listener, 'close') : undefined;
    if (closed !== undefined) listener.close();
    cut();
    await closed;
  }

  return {
    port,
    through(url) {
      const changed = new URL(url);
      changed.port = String(port);
      return changed.href;
    },
    async pass() {
      black = false;
      for (const link of links) {
        link.silent = false;
        link.client.resume();
        link.server.resume();
        if (link.client.destroyed || link.server.destroyed) destroy(link);
      }
      if (!listener.listening) await listen(listener, port);
    },
    refuse,
    blackHole() {
      black = true;
      for (const link of links) silence(link);
    },
    cut,
    once: (statement, fault) => new Promise((sprung) => traps.add({ statement, fault, sprung })),
    rewrite: (statement, replacement) => void rewrites.push({ statement, replacement }),
    get open() {
      return links.size;
    },
    get accepted() {
      return accepted;
    },
    close: refuse,
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
