/** The store cannot be used. The message is for the operator: what is wrong, and what to do. */
export class StoreStartError extends Error {
  /** Whether it may be mended by waiting. */
  readonly transient: boolean;

  constructor(message: string, { transient, cause }: { transient: boolean; cause?: unknown }) {
    super(message, { cause });
    this.name = 'StoreStartError';
    this.transient = transient;
  }
}
