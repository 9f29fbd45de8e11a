import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What the status API has to say of an object. */
export const KINDS = ['online', 'offline', 'error', 'hang', 'nonsense'] as const;
export type Kind = (typeof KINDS)[number];

export interface Asked {
  id: string;
  kind: Kind;
  at: number;
  /** Just before the answer was handed over; null while it was not, or if nobody waited for it any more. */
  answeredAt: number | null;
}

export interface StatusServer {
  url: string;
  /** Every look at an object, in the order of their arrival. */
  asked: Asked[];
  close(): Promise<void>;
}

/** A status API that takes its time, and is as good as `kindOf` says. */
export async function startStatusServer(deps: {
  kindOf: (id: string) => Kind;
  takesMs: () => number;
}): Promise<StatusServer> {
  const asked: Asked[] = [];

  async function answer(look: Asked, response: ServerResponse): Promise<void> {
    if (look.kind === 'hang') return;
    await delay(deps.takesMs());
    if (response.destroyed) return;
    look.answeredAt = Date.now();
    if (look.kind === 'error') response.writeHead(500).end('{"error":"down for maintenance"}');
    else if (look.kind === 'nonsense') response.writeHead(200).end('<html>Welcome</html>');
    else response.writeHead(200).end(JSON.stringify({ id: Number(look.id), online: look.kind === 'online' }));
  }

  const server = createServer(({ url = '' }, response) => {
    const id = decodeURIComponent(url.replace(/^\/base\/objects\//, ''));
    const look: Asked = { id, kind: deps.kindOf(id), at: Date.now(), answeredAt: null };
    asked.push(look);
    void answer(look, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`,
    asked,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
