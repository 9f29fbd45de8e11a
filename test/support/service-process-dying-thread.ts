// Loaded before the service (`--import`): the thread of its SQLite file gets something that it dies of.
import { setTimeout as delay } from 'node:timers/promises';

const AFTER_MS = 1000;

process.on('worker', (worker) => void delay(AFTER_MS).then(() => worker.postMessage(null)));
