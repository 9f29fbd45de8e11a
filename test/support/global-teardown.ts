import { endServers } from './server-homes.ts';

export default function globalTeardown({ watch, watchAll }: { watch: boolean; watchAll: boolean }): void {
  if (!watch && !watchAll) endServers();
}
