import type { ResultBody } from '../../src/protocol/record.ts'

const LABELS = ['healthy', 'leaf_miner', 'rust', 'phoma', 'cercospora']

/** A season's walk through a field: times, answers and durations as they come, all else as the app writes it. */
export function createResults(): () => ResultBody {
  let state = 7
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return state / 0x7fffffff
  }
  let mono = 0
  return () => {
    mono += Math.floor(random() * 90_000)
    const weights = LABELS.map((label) => ({ label, weight: random() ** 4 }))
    const sum = weights.reduce((total, { weight }) => total + weight, 0)
    const scores = weights
      .map(({ label, weight }) => [label, Math.round((weight / sum) * 1e4) / 1e4] as [string, number])
      .sort((a, b) => b[1] - a[1])
    const [label, score] = scores[0] ?? ['healthy', 1]
    return {
      v: 1,
      kind: 'result',
      at: { wall: 1_790_000_000_000 + mono, mono, session: 'k3v5q2xa', zone: 180 },
      task: 'image-classification',
      pack: { name: 'coffee-leaf', version: '1.0.0', digest: '9f86d081884c7d659a2feaa0c55ad015'.repeat(2) },
      variant: 'int8',
      backend: 'nano 1.0.0',
      prep: '1',
      answer: { kind: 'classes', label, score, sure: score >= 0.6 },
      scores,
      threshold: 0.6,
      ms: 30 + Math.floor(random() * 40),
      attachments: [],
    }
  }
}
