import { randomUUID } from 'node:crypto';
import type { TimerStore } from '../timers/index.ts';

export interface Claim {
  claimId: string;
  leaseEndsAt: number;
}

/**
 * Claims whose answer was lost, or that were written for a timer whose insert failed. Rows may carry them in the store
 * while nobody here holds them; they are handed back as soon as the store answers again.
 */
export interface LostClaims {
  add(claim: Claim): void;
  /** Hands back what there is. Throws when the store is away; nothing is forgotten then. */
  settle(now: number): Promise<void>;
  readonly size: number;
}

export function createLostClaims({ store }: { store: Pick<TimerStore, 'releaseClaim'> }): LostClaims {
  const claims = new Map<string, Claim>();
  return {
    add: (claim) => claims.set(claim.claimId, claim),
    async settle(now) {
      for (const claim of [...claims.values()]) {
        // Past its end the lease is anyone's to take over; a look for our rows at their old place would find nothing of ours.
        if (claim.leaseEndsAt > now) await store.releaseClaim({ ...claim, now: Math.ceil(now) });
        claims.delete(claim.claimId);
      }
    },
    get size() {
      return claims.size;
    },
  };
}

/** A claim id says nothing and is used once. */
export const newClaim = (now: number, leaseMs: number): Claim => ({
  claimId: randomUUID(),
  leaseEndsAt: Math.floor(now + leaseMs),
});
