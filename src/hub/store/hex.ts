/** Hashes are hex everywhere but in the database, where they take half the room; both ways by Node, at a row's pace. */
export const toBlob = (hex: string): Buffer => Buffer.from(hex, 'hex')

export const toHex = (blob: Uint8Array): string =>
  Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).toString('hex')
