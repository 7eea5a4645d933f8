/** How a database keeps exact text: as text, or as bytes where its text cannot hold every character. */
export interface TextColumn {
  toColumn(text: string): string | Uint8Array
  fromColumn(stored: string | Uint8Array): string
}

export const PLAIN_TEXT: TextColumn = { toColumn: (text) => text, fromColumn: String }

const decoder = new TextDecoder()

export const UTF8_BYTES: TextColumn = {
  toColumn: (text) => Buffer.from(text, 'utf8'),
  fromColumn: (stored) => (typeof stored === 'string' ? stored : decoder.decode(stored)),
}
