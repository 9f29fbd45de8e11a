import { createServer } from 'node:http';

let ids: string[] = [];
let at: number[] = [];
let delayMs = 0;

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  at.push(performance.timeOrigin + performance.now());
  ids.push(request.headers['webhook-id'] as string);
  request.resume();
  if (delayMs === 0) response.end('ok');
  else setTimeout(() => response.end('ok'), delayMs);
});

server.listen(0, '127.0.0.1', 4096, () => process.send?.({ port: (server.address() as { port: number }).port }));

process.on('message', (question: 'count' | 'arrivals' | { reset: number }) => {
  if (question === 'count') {
    process.send?.(ids.length);
  } else if (question === 'arrivals') {
    process.send?.({ ids, at });
  } else {
    ids = [];
    at = [];
    delayMs = question.reset;
    process.send?.(null);
  }
});
process.on('disconnect', () => process.exit());
