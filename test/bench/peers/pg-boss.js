import PgBoss from 'pg-boss';

/** Half a second is the shortest poll it takes; its default is 2 s. A worker polls anew only when its batch is done. */
const POLL_SECONDS = 0.5;
const BATCH = 500;
const WORKERS = 4;
const CHUNK = 1000;
const QUEUE = 'timers';

export async function startPeer({ serverUrl, send }) {
  const boss = new PgBoss({ connectionString: serverUrl, max: 10 });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(QUEUE);
  for (let worker = 0; worker < WORKERS; worker++) {
    await boss.work(QUEUE, { batchSize: BATCH, pollingIntervalSeconds: POLL_SECONDS }, (jobs) =>
      Promise.all(jobs.map(({ data }) => send(data.id))),
    );
  }

  return {
    async schedule(timers) {
      for (let begin = 0; begin < timers.length; begin += CHUNK) {
        await boss.insert(
          timers.slice(begin, begin + CHUNK).map(({ id, dueAt }) => ({
            name: QUEUE,
            data: { id },
            startAfter: new Date(dueAt),
          })),
        );
      }
    },
    stop: () => boss.stop({ graceful: false }),
  };
}
