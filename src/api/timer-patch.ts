import { z } from 'zod';
import { refuseContradictions, requestFields } from './request-fields.ts';
import { refuseTwoWays, whenFields } from './when.ts';

const { shape: changeable } = z.object(requestFields).omit({ label: true });

/** The body of `PATCH /timers/:id`. What has a default can be given back to it. */
export const timerPatch = z
  .strictObject({
    ...whenFields,
    ...changeable,
    headers: changeable.headers.nullable(),
    metadata: changeable.metadata.nullable(),
    timeout_ms: changeable.timeout_ms.nullable(),
    max_attempts: changeable.max_attempts.nullable(),
    retry: changeable.retry.nullable(),
    expires_after_ms: changeable.expires_after_ms.nullable(),
  })
  .check(refuseTwoWays)
  .check(({ value, issues }) => refuseContradictions({ value: withoutNulls(value), issues }))
  .meta({ id: 'TimerPatch', description: 'What is left out stays as it is; null gives a field back to its default.' });

export type TimerPatch = z.infer<typeof timerPatch>;

/** The body of `POST /timers/:id/extend`. */
export const extension = z
  .strictObject(whenFields)
  .check(refuseTwoWays)
  .meta({ id: 'Extension', description: 'When, in one way; without any: the delay first asked for, from now on.' });

type WithoutNulls<T> = { [Field in keyof T]: Exclude<T[Field], null> };

/** A body of null is a body: JSON knows it. */
export const withoutNulls = <T extends object>(value: T): WithoutNulls<T> =>
  Object.fromEntries(
    Object.entries(value).filter(([field, each]) => each !== null || field === 'body'),
  ) as WithoutNulls<T>;
