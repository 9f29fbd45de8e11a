import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

/** Its guide names 100 to 300 for jobs that wait for the network. */
const CONCURRENCY = 128;
const CHUNK = 1000;
const QUEUE = 'timers';

export async function startPeer({ serverUrl, send }) {
  // A worker waits in Redis for its jobs, so it has a connection of its own and no limit of retries.
  const forQueue = new Redis(serverUrl);
  const forWorker = new Redis(serverUrl, { maxRetriesPerRequest: null });
  const queue = new Queue(QUEUE, { connection: forQueue });
  const worker = new Worker(QUEUE, (job) => send(job.data.id), {
    connection: forWorker,
    concurrency: CONCURRENCY,
    removeOnComplete: { count: 0 },
  });
  worker.on('error', (error) => console.error(error));
  await worker.waitUntilReady();

  return {
    async schedule(timers) {
      for (let begin = 0; begin < timers.length; begin += CHUNK) {
        const now = Date.now();
        await queue.addBulk(
          timers.slice(begin, begin + CHUNK).map(({ id, dueAt }) => ({
            name: 'timer',
            data: { id },
            opts: { delay: Math.max(0, dueAt - now) },
          })),
        );
      }
    },
    async stop() {
      await worker.close();
      await queue.close();
      forQueue.disconnect();
      forWorker.disconnect();
    },
  };
}
