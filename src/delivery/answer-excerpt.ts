const LONGEST_EXCERPT_BYTES = 1024;

/** Gathers the beginning of an answer, at most 1,024 bytes of it. */
export interface AnswerExcerpt {
  add(chunk: Buffer): void;
  /** Valid text without control characters other than tab and line feed; null when there is none. */
  text(): string | null;
}

export function createAnswerExcerpt(): AnswerExcerpt {
  const chunks: Buffer[] = [];
  let size = 0;

  return {
    add(chunk) {
      if (size >= LONGEST_EXCERPT_BYTES) return;
      const part = chunk.subarray(0, LONGEST_EXCERPT_BYTES - size);
      chunks.push(part);
      size += part.length;
    },
    text() {
      if (size === 0) return null;
      // As a stream, so that a character cut in half by our limit is left out instead of being shown as broken.
      const text = new TextDecoder().decode(Buffer.concat(chunks), { stream: true });
      return text.replaceAll('\r\n', '\n').replaceAll(/[^\P{Cc}\t\n]/gu, '\ufffd') || null;
    },
  };
}
