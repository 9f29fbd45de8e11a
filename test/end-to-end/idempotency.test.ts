import { describe, expect, test } from '@jest/globals';
import { queryServer } from '../support/databases.ts';
import { scenario, sized } from './scenario.ts';

const CALLERS = 50;
const BODY = JSON.stringify({ hours: 1, url: 'http://localhost:9000/hook' });

interface Answer {
  status: number;
  text: string;
  replayed: boolean;
}

const post = async (base: string, key: string): Promise<Answer> => {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
  const response = await fetch(`${base}/timers`, { method: 'POST', headers, body: BODY });
  const replayed = response.headers.get('Idempotent-Replayed') === 'true';
  return { status: response.status, text: await response.text(), replayed };
};

describe('One request sent by fifty callers to two replicas, one of which is killed meanwhile', () => {
  test(
    'makes one timer, and gets everybody the same answer in the end',
    scenario(async ({ database, start }) => {
      const env = await database('mysql');
      const [victim, survivor] = await Promise.all([start('victim', env), start('survivor', env)]);
      let unanswered = 0;

      for (let round = 1; round <= sized(20, 3); round++) {
        const key = `round ${round}`;
        const firstAnswer = Promise.withResolvers<undefined>();
        // As clients do: whoever gets no answer asks again, of the replica that is left.
        const askAgain = async () => {
          unanswered += 1;
          return post(survivor.url, key);
        };
        const callers = Array.from({ length: CALLERS }, async (_, caller) => {
          const answer = await post(caller % 2 === 0 ? victim.url : survivor.url, key).catch(askAgain);
          firstAnswer.resolve(undefined);
          return answer;
        });
        // In odd rounds before anybody has an answer, in even ones between the first and the last.
        if (round % 2 === 0) await firstAnswer.promise;
        await victim.kill();
        const answers = await Promise.all(callers);

        expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
        expect(answers[0]?.status).toBe(201);
        // None, where the answer to the first went down with the victim.
        expect(answers.filter(({ replayed }) => !replayed).length).toBeLessThanOrEqual(1);
        const [row] = await queryServer(env.DATABASE_URL, 'SELECT COUNT(*) AS timers FROM timers');
        expect(row?.timers).toBe(round);
        await victim.start();
      }
      expect(unanswered).toBeGreaterThan(0);
    }),
    300_000,
  );
});
