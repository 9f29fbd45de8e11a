// Receivers of every kind, each host an address of the loopback network: told by a message what to listen on.
import { createServer } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';

/** `silent` accepts and never answers; otherwise an answer comes after `delayMs`. */
export interface CrowdOrder {
  hosts: string[];
  port: number;
  behaviour: 'silent' | { delayMs: number };
}

const arrivals: { id: string; at: number }[] = [];
let open = 0;
let mostOpen = 0;

function httpServer(delayMs: number): Server {
  return createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    arrivals.push({
      id: request.headers['webhook-id'] as string,
      at: performance.timeOrigin + performance.now(),
    });
    request.resume();
    if (delayMs === 0) response.end('ok');
    else setTimeout(() => response.end('ok'), delayMs);
  });
}

function countOpen(server: Server): Server {
  return server.on('connection', (socket) => {
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => (open -= 1));
  });
}

async function listen({ hosts, port, behaviour }: CrowdOrder): Promise<void> {
  for (const host of hosts) {
    const server =
      behaviour === 'silent' ? createTcpServer((socket) => socket.resume()) : httpServer(behaviour.delayMs);
    await new Promise<void>((resolve) => countOpen(server).listen(port, host, 4096, resolve));
  }
}

process.on('message', (message: CrowdOrder | 'arrivals') => {
  if (message === 'arrivals') process.send?.({ arrivals: arrivals.splice(0), mostOpen });
  else void listen(message).then(() => process.send?.('listening'));
});
process.on('disconnect', () => process.exit());
