import type { BenchCase } from '../bench-case.ts';
import { backlog, backlogToTheEnd } from './backlog.ts';
import { batch } from './batch.ts';
import { burst, burstOnSqlite } from './burst.ts';
import { createAndFire, soak } from './create-and-fire.ts';
import { floors } from './floor.ts';
import { idle } from './idle.ts';
import { lateness, latenessAt2000, latenessAt5000, latenessOnSqlite } from './lateness.ts';
import { bullmq, bullmqEverysec, graphileWorker, pgBoss } from './peers.ts';
import { post } from './post.ts';
import { replicas, replicasAfar } from './replicas.ts';
import { short } from './short.ts';
import { snapshot } from './snapshot.ts';
import { tableSize, tableSizeFull } from './table-size.ts';

/** In the order of the table, which is the order in which they run: the peers follow at once on what they are held against. */
export const CASES: BenchCase[] = [
  ...floors,
  lateness,
  latenessOnSqlite,
  burst,
  bullmq,
  bullmqEverysec,
  graphileWorker,
  pgBoss,
  burstOnSqlite,
  latenessAt2000,
  latenessAt5000,
  short,
  backlog,
  backlogToTheEnd,
  post,
  batch,
  createAndFire,
  tableSize,
  idle,
  tableSizeFull,
  snapshot,
  replicas,
  replicasAfar,
  soak,
];
