import { startHttpReceiver } from '../support/receiver.ts';
import { openDelivery } from './under-test.ts';

interface Options {
  targets: { url: string; bodyBytes: number }[];
  timeoutMs: number;
}

/** A program: calls every target at once, and prints the outcomes and how many bytes its memory has grown by. */
const { targets, timeoutMs } = JSON.parse(process.argv[2] ?? '') as Options;
await using delivery = openDelivery({ timeoutMs });
await using harmless = await startHttpReceiver();
await delivery.perform({ url: harmless.url });

const before = process.memoryUsage().rss;
const outcomes = await Promise.all(
  targets.map(({ url, bodyBytes }) =>
    delivery.perform({ url, bodyBytes, body: bodyBytes === 0 ? null : new Uint8Array(bodyBytes) }),
  ),
);
process.stdout.write(JSON.stringify({ outcomes, growth: process.memoryUsage().rss - before }));
