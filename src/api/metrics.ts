import type { Express } from 'express';
import type { Answered } from './access-log.ts';
import { adminOnly, type Admission } from './admission.ts';
import { sendText } from './answer.ts';
import { allowOnly } from './allow-only.ts';

/** What the API tells of its requests, and where it gets what a replica counts of itself. */
export interface ApiMetrics {
  onAnswered(answer: Answered): void;
  text(): Promise<string>;
  readonly contentType: string;
}

/** `/metrics`, for Prometheus. They are of everybody's timers, so with keys set it takes an admin key. */
export function mountMetrics(app: Express, { metrics, admit }: { metrics: ApiMetrics; admit: Admission }): void {
  const read = adminOnly('Metrics', async (_req, res) => {
    sendText(res, { status: 200, text: await metrics.text(), headers: { 'Content-Type': metrics.contentType } });
  });
  app.route('/metrics').get(admit(read)).all(allowOnly('GET'));
}
