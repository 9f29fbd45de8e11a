// Loaded before the service (`--import`, the fault as its query): gives `app.ts` a store with that fault instead of its own.
import { registerHooks } from 'node:module';

const brokenStore = new URL(`./service-process-broken-store.ts${new URL(import.meta.url).search}`, import.meta.url);

registerHooks({
  resolve(specifier, context, next) {
    const isWanted = specifier === './store/index.ts' && context.parentURL?.endsWith('/src/app.ts') === true;
    return next(isWanted ? brokenStore.href : specifier, context);
  },
});
