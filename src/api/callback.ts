import { z } from 'zod';
import { objectId } from './object-view.ts';

const MAX_IDS = 10_000;
/** As many ids of the greatest length fit, spelled in UTF-8. */
export const MAX_CALLBACK_BYTES = 8 * 1024 * 1024;

/** The body of `POST /callback`. */
export const callback = z
  .strictObject({ object_ids: z.array(objectId).max(MAX_IDS) })
  .meta({ id: 'Callback', description: `Up to ${MAX_IDS} ids, 8 MiB in all. 1 and "1" are the same object.` });

export const callbackReport = z
  .strictObject({ accepted: z.int().min(0).meta({ description: 'How many objects the ids stand for.' }) })
  .meta({ id: 'CallbackReport' });
