import { Logger, makeWorkerUtils, run } from 'graphile-worker';

/** What its page on performance measures with, and a poll that suits timers; its default is 2 s. */
const WORKER = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
  pollInterval: 100,
};
const CHUNK = 1000;
const quiet = new Logger(() => (level, message, meta) => {
  if (level === 'error') console.error(message, meta);
});

export async function startPeer({ serverUrl, send }) {
  const preset = { worker: { connectionString: serverUrl, logger: quiet, ...WORKER } };
  const utils = await makeWorkerUtils({ preset });
  await utils.migrate();
  const runner = await run({ preset, taskList: { timer: ({ id }) => send(id) } });

  return {
    async schedule(timers) {
      for (let begin = 0; begin < timers.length; begin += CHUNK) {
        await utils.addJobs(
          timers.slice(begin, begin + CHUNK).map(({ id, dueAt }) => ({
            identifier: 'timer',
            payload: { id },
            runAt: new Date(dueAt),
          })),
        );
      }
    },
    async stop() {
      await runner.stop();
      await utils.release();
    },
  };
}
