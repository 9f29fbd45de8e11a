import type { Clock } from '../platform/index.ts';
import type { Action, TargetPolicy } from '../timers/index.ts';
import { createAddressPolicy } from './address-policy.ts';
import { createConnectionPool } from './connection-pool.ts';
import { createConnector } from './connector.ts';
import { createDialAhead } from './dial-ahead.ts';
import { createDnsLookup } from './dns-lookup.ts';
import { createNameResolver, type Lookup } from './name-resolver.ts';
import type { Network } from './networks.ts';
import type { SigningSecret } from './signing-secrets.ts';
import { createTargetGate } from './target-gate.ts';
import { createWebhookAction } from './webhook-action.ts';

export interface DeliveryDeps {
  /** Deadline of an attempt for timers without one of their own, milliseconds. */
  timeoutMs: number;
  /** A timer's own is cut to this: it may date from when leases were longer, and what no lease covers is never sent. */
  maxTimeoutMs: number;
  /** Most attempts at once to one host. */
  concurrencyPerHost: number;
  /** All of them sign; empty for no signature. */
  signingSecrets: SigningSecret[];
  /** Networks that may be called although they are not public. */
  allowedNetworks: Network[];
  /** Whether 127.0.0.0/8 and ::1 may be called without being listed. */
  allowLoopback: boolean;
  /** The ports we listen on ourselves; they are never called on an address of this machine. */
  ownPorts: () => number[];
  clock: Clock;
  /** Epoch milliseconds by the store's clock: what receivers see as the time of an attempt. */
  storeNow: () => number;
  userAgent: string;
  /** What was thrown where nothing should be; the attempt has come to an outcome all the same. */
  onBug: (error: unknown) => void;
  /** Instead of DNS, for tests. */
  lookup?: Lookup;
}

export interface Delivery {
  action: Action;
  targets: TargetPolicy;
  /** Ends running attempts at once, and resolves when every connection is closed. Safe to call twice. */
  close(): Promise<void>;
}

/** The webhook: one guarded HTTP client, the action that uses it, and the rules for the URLs it accepts. */
export function createDelivery(deps: DeliveryDeps): Delivery {
  const { clock } = deps;
  const policy = createAddressPolicy(deps);
  const gate = createTargetGate({ policy });
  const resolve = createNameResolver({ lookup: deps.lookup ?? createDnsLookup({}), clock });
  const pool = createConnectionPool();
  const connect = createConnector({ policy, resolve, clock, pool });
  const dialAhead = createDialAhead({ pool, connect, clock });
  const { action, interruptAll } = createWebhookAction({ ...deps, gate, pool, connect, dialAhead });

  return {
    action,
    targets: gate,
    close() {
      dialAhead.close();
      interruptAll();
      return pool.close();
    },
  };
}
