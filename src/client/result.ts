import { recordedAnswer, recordedScores } from '../protocol/answer.ts'
import type { Moment, ResultBody } from '../protocol/record.ts'
import type { RunResult } from '../protocol/worker.ts'
import type { NewAttachment } from '../store/store.ts'
import type { Circumstances } from './kit.ts'

export interface PackIdentity {
  name: string
  version: string
  task: string
}

/** The record of a result, with all that is needed to judge it later. */
export function resultBody(
  pack: PackIdentity,
  { answer, packDigest, variant, backend, prep, threshold, ms, faces }: RunResult,
  at: Moment,
  attachments: ResultBody['attachments'],
  circumstances: Circumstances & Pick<ResultBody, 'likeness'> = {},
): ResultBody {
  return {
    v: 1,
    kind: 'result',
    at,
    task: pack.task,
    pack: { name: pack.name, version: pack.version, digest: packDigest },
    variant,
    backend,
    prep,
    answer: recordedAnswer(answer),
    scores: recordedScores(answer),
    threshold,
    ms,
    attachments,
    ...(faces && { faces }),
    ...circumstances,
  }
}

/** What a run leaves behind, as the store takes it and as its record lists it. */
export function listAttachments({ attachments }: Pick<RunResult, 'attachments'>): {
  stored: NewAttachment[]
  listed: ResultBody['attachments']
  likeness?: string
} {
  return {
    stored: attachments.map(({ sha256, type, bytes, role }) => ({ sha256, type, bytes, preview: role === 'preview' })),
    listed: attachments.map(({ sha256, type, bytes, role }) => ({ sha256, type, bytes: bytes.length, role })),
    ...attachments.flatMap(({ likeness }) => (likeness === undefined ? [] : { likeness }))[0],
  }
}
