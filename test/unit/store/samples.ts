import { sha256Hex } from '../../../src/lib/sha256.ts'
import type { RecordBody, ResultBody } from '../../../src/protocol/record.ts'
import type { NewAttachment } from '../../../src/store/store.ts'

const at = { wall: 1_790_000_000_000, mono: 5, session: 'test', zone: 180 }

export const result = (label = 'rust', extra: Partial<ResultBody> = {}): ResultBody => ({
  v: 1,
  kind: 'result',
  at,
  task: 'image-classification',
  pack: { name: 'coffee-leaf', version: '1.0.0', digest: 'ab'.repeat(32) },
  variant: 'int8',
  backend: 'ort-wasm 1.30.0',
  prep: '1',
  answer: { kind: 'classes', label, score: 0.9, sure: true },
  scores: [
    [label, 0.9],
    ['healthy', 0.1],
  ],
  threshold: 0.5,
  ms: 40,
  attachments: [],
  ...extra,
})

export const correction = (ref: string, label: string, base: string[] = []): RecordBody => ({
  v: 1,
  kind: 'correction',
  at,
  ref,
  base,
  patch: { label },
})

export const retract = (ref: string): RecordBody => ({ v: 1, kind: 'retract', at, ref })
export const note = (ref: string, text: string): RecordBody => ({ v: 1, kind: 'note', at, ref, text })

export async function photo(seed: number, size = 1000): Promise<NewAttachment> {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed * 31 + (i >> 8)) & 255)
  return { sha256: await sha256Hex(bytes), type: 'image/jpeg', bytes }
}

export const resultWith = (file: NewAttachment, label = 'rust'): ResultBody =>
  result(label, {
    attachments: [{ sha256: file.sha256, type: file.type, bytes: file.bytes.length, role: 'input' }],
  })
