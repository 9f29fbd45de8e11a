import type { Express } from 'express';
import type { z } from 'zod';
import type { Admission } from './admission.ts';
import { allowOnly } from './allow-only.ts';
import { sendJson } from './answer.ts';
import type { BodyBudget } from './body-budget.ts';
import { callback, MAX_CALLBACK_BYTES, type callbackReport } from './callback.ts';
import type { Cursors } from './list-cursor.ts';
import { objectId, viewObject, type objectList } from './object-view.ts';
import { paging } from './paging.ts';
import { Problem } from './problem.ts';
import { readJson } from './read-json.ts';
import { validate } from './validate.ts';

const LIST = 'objects';

export interface KnownObject {
  id: string;
  /** Epoch ms by the store's clock. */
  lastSeen: number;
  expiresAt: number;
}

/** What is known of objects. Any of these may throw `Refusal('store_unavailable')`. */
export interface Objects {
  /** Resolves, with the number of distinct ids, once a check of each is committed. */
  check(ids: string[]): Promise<number>;
  find(id: string): Promise<KnownObject | undefined>;
  /** `next` is null at the end, and else the id to go on behind. */
  list(page: { after: string | null; limit: number }): Promise<{ objects: KnownObject[]; next: string | null }>;
}

/** Objects have no owner: whoever is admitted sees and names all of them. */
export function mountObjects(
  app: Express,
  deps: { objects: Objects; storeClock: { now(): number }; admit: Admission; cursors: Cursors; bodies: BodyBudget },
): void {
  const { objects, storeClock, admit, cursors, bodies } = deps;
  const view = (known: KnownObject) => viewObject(known, { now: storeClock.now() });

  const check = admit(async (req, res) => {
    const { object_ids: ids } = validate(callback, await readJson(req, { maxBytes: MAX_CALLBACK_BYTES, bodies }));
    const accepted = await objects.check(ids);
    sendJson(res, { status: 202, body: { accepted } satisfies z.infer<typeof callbackReport> });
  });

  const list = admit(async (req, res) => {
    const { limit, cursor } = validate(paging, req.query);
    const after = cursor === undefined ? null : (cursors.open(LIST, cursor) as string);
    const page = await objects.list({ after, limit });
    sendJson(res, {
      status: 200,
      body: {
        objects: page.objects.map(view),
        next_cursor: page.next === null ? null : cursors.seal(LIST, page.next),
      } satisfies z.infer<typeof objectList>,
    });
  });

  const read = admit(async (req, res) => {
    const { success, data: id } = objectId.safeParse(req.params.id);
    const known = success ? await objects.find(id) : undefined;
    if (known === undefined) throw new Problem('not_found', 'No object with this id has been seen lately.');
    sendJson(res, { status: 200, body: view(known) });
  });

  app.route('/callback').post(check).all(allowOnly('POST'));
  app.route('/objects').get(list).all(allowOnly('GET'));
  app.route('/objects/:id').get(read).all(allowOnly('GET'));
}
