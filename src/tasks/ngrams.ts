import { JikoError } from '../protocol/error.ts'
import type { NgramFeatures } from '../protocol/input.ts'
import { type Tensor, tensorOf } from '../protocol/tensor.ts'

/** Whatever is neither letter nor mark nor apostrophe parts words. */
const BETWEEN_WORDS = /[^\p{L}\p{M}']+/u

/** Words of a text: cut to `most` code points, normal form, lower case, ’ as '. */
export function wordsOf(text: string, { most, form, lower }: Pick<NgramFeatures, 'most' | 'form' | 'lower'>): string[] {
  // Twice as many UTF-16 units hold so many code points for certain; a book is not spread out for its first page.
  const cut = Array.from(text.slice(0, 2 * most))
    .slice(0, most)
    .join('')
  const normal = cut.normalize(form)
  const cased = lower ? normal.toLowerCase() : normal
  return cased.replaceAll('’', "'").split(BETWEEN_WORDS).filter(Boolean)
}

const encoder = new TextEncoder()

/** FNV-1a of the UTF-8 bytes, 32 bits. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of encoder.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/**
 * Pieces of the words, in this order: of each word the runs of code points of `" word "` by size (a single space is
 * none), then the runs of words that begin there, each with a space around it.
 */
export function* piecesOf(
  words: readonly string[],
  { characters, words: runs }: Pick<NgramFeatures, 'characters' | 'words'>,
) {
  for (const [at, word] of words.entries()) {
    const points = Array.from(` ${word} `)
    for (const size of characters) {
      for (let i = 0; i + size <= points.length; i++) {
        const piece = points.slice(i, i + size).join('')
        if (piece !== ' ') yield piece
      }
    }
    for (const size of runs) if (at + size <= words.length) yield ` ${words.slice(at, at + size).join(' ')} `
  }
}

/** @throws JikoError `input/no-words` when there is nothing to go by. */
export function ngramTensor(text: string, features: NgramFeatures): Tensor {
  const words = wordsOf(text, features)
  if (words.length === 0) throw new JikoError('input/no-words', 'there is no word in this text; write a few words')
  const { buckets, output, type } = features
  if (output.kind === 'ids') {
    const ids: number[] = []
    for (const piece of piecesOf(words, features)) {
      if (ids.length === output.length) break
      ids.push(output.first + (fnv1a(piece) % buckets))
    }
    return tensorOf(type, [1, output.length], (i) => ids[i] ?? output.pad)
  }
  const hits = new Map<number, number>()
  for (const piece of piecesOf(words, features)) {
    const bucket = fnv1a(piece) % buckets
    hits.set(bucket, output.value === 'present' ? 1 : (hits.get(bucket) ?? 0) + 1)
  }
  const counts = [...hits.values()]
  const sum = counts.reduce((total, count) => total + (output.scale === 'unit' ? count * count : count), 0)
  const scale = output.scale === 'none' ? 1 : output.scale === 'unit' ? Math.sqrt(sum) : sum
  return tensorOf(type, [1, buckets], (i) => (hits.get(i) ?? 0) / scale)
}
