import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, Logger } from '../platform/index.ts';
import type { DiagnosableStore } from './diagnosable-store.ts';
import { openMysqlStore } from './mysql/open.ts';
import type { StoreSettings } from './settings.ts';
import { openSqliteStore } from './sqlite/open.ts';
import { StoreStartError } from './start-error.ts';

export type { DiagnosableStore } from './diagnosable-store.ts';
export type { Finding } from './finding.ts';
export type { MysqlSettings, SqliteSettings, StoreSettings } from './settings.ts';
export { StoreStartError } from './start-error.ts';

/**
 * Opens the store, migrated and ready, and logs what weakens its promises. What waiting may mend (the server is not up yet)
 * is tried `tries` times, `waitMs` apart. Rejects with `StoreStartError`, whose message is for the operator.
 */
export async function openStore(deps: {
  settings: StoreSettings;
  tries: number;
  waitMs: number;
  clock: Clock;
  logger: Logger;
}): Promise<DiagnosableStore> {
  const { settings, tries, waitMs, clock, logger } = deps;
  for (let attempt = 1; ; attempt++) {
    try {
      const store = await (settings.engine === 'sqlite'
        ? openSqliteStore(settings, { clock })
        : openMysqlStore(settings));
      await logWeaknesses(store, logger);
      return store;
    } catch (error) {
      if (!(error instanceof StoreStartError) || !error.transient || attempt >= tries) throw error;
      logger.warn({ attempt, tries, reason: error.message }, 'store.unreachable');
      await delay(waitMs);
    }
  }
}

async function logWeaknesses(store: DiagnosableStore, logger: Logger): Promise<void> {
  try {
    for (const finding of await store.diagnose()) logger.warn(finding, 'store.weakness');
  } catch (error) {
    logger.warn({ err: error }, 'store.undiagnosed');
  }
}
