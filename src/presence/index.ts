export { createPresence, type Presence, type PresenceSettings } from './create-presence.ts';
export { parseObjectsUrl } from './objects-url.ts';
export type { PresenceStore, SeenObject } from './presence-store.ts';
