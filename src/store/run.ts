import type { Kysely } from 'kysely';
import type { Database } from './schema.ts';

/**
 * An engine's way with connections and errors; it turns faults of the store into refusals. `again` tells the operation that
 * an earlier try of it may have been committed, though its answer was lost.
 */
export type Run = <T>(operation: (db: Kysely<Database>, again: boolean) => Promise<T>) => Promise<T>;
