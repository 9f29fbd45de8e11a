import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { startNameServer } from './name-server.ts';
import { startNginx } from './nginx.ts';

/** An nginx set up for two replicas, which may come and go. */
export interface Balancer extends AsyncDisposable {
  /** Where clients find it, without a final slash. */
  url: string;
  /** Where the replicas are to listen: of one name and port, they differ in their address only, as containers do. */
  addresses: [string, string];
  port: number;
  /** What nginx has to say. */
  log(): Promise<string>;
}

export async function startBalancer(): Promise<Balancer> {
  const byte = () => 1 + Math.floor(Math.random() * 250);
  const network = `127.${byte()}.${byte()}`;
  const addresses: [string, string] = [`${network}.1`, `${network}.2`];
  const port = await freePort(addresses[0]);
  const listen = `127.0.0.1:${await freePort('127.0.0.1')}`;

  await using started = new AsyncDisposableStack();
  const names = started.use(await startNameServer(addresses));
  const nginx = started.use(
    await startNginx({ LISTEN: listen, REPLICAS: `punctual:${port}`, RESOLVER: names.address }),
  );
  const running = started.move();
  return {
    url: `http://${listen}`,
    addresses,
    port,
    log: () => nginx.log(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function freePort(host: string): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
