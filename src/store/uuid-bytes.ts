/** A UUID is text outside and 16 bytes in the store, in the same order, so that bytes sort as the text does. */
export const uuidToBytes = (uuid: string): Buffer => Buffer.from(uuidToHex(uuid), 'hex');

/** As bytes travel within JSON. */
export const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

export const uuidToHex = (uuid: string): string => uuid.replaceAll('-', '');

export function bytesToUuid(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Every writer of several rows takes them in this order, so that no two can wait for each other. */
export const sortedIds = (uuids: string[]): Buffer[] => uuids.toSorted().map(uuidToBytes);
