// One peer in a process of its own, schedule and workers together, as the service is: told what to do by messages.
import { Pool } from 'undici';

/** As many calls at once to one host as the service makes. */
const CONNECTIONS = 128;

let peer;
let pool;

process.on('message', async (order) => {
  if (order.start) {
    const { module, serverUrl, hookUrl } = order.start;
    const { origin, pathname } = new URL(hookUrl);
    pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
    const { startPeer } = await import(module);
    peer = await startPeer({ serverUrl, send: (id) => send(pathname, id) });
  } else if (order.schedule) {
    await peer.schedule(order.schedule);
  } else {
    await peer.stop();
    await pool.close();
  }
  process.send('done');
});
process.on('disconnect', () => process.exit());
process.send('ready');

async function send(pathname, id) {
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: `${pathname}/${id}`,
    headers: { 'content-type': 'application/json', 'webhook-id': id },
    body: `{"id":"${id}"}`,
  });
  await body.text();
  if (statusCode !== 200) throw new Error(`The receiver answered ${statusCode}.`);
}
