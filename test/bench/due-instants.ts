/** Bodies of timers that are due at random within a time of their own, soon after the last of them can have been made. */
export function spreadTimers({ perSecond, seconds, url }: { perSecond: number; seconds: number; url: string }) {
  const count = perSecond * seconds;
  const begin = Date.now() + leadMs(count);
  return Array.from({ length: count }, () => timerAt(begin + Math.random() * seconds * 1000, url));
}

/** All of them due in one instant. */
export function crowd({ count, url }: { count: number; url: string }) {
  const instant = Date.now() + leadMs(count);
  return Array.from({ length: count }, () => timerAt(instant, url));
}

/** Making them takes a twentieth of a millisecond each, and the lookahead of a second has to lie ahead as a whole. */
const leadMs = (count: number) => 2000 + count / 20;

const timerAt = (epochMs: number, url: string) => ({ due_at: new Date(Math.ceil(epochMs)).toISOString(), url });
