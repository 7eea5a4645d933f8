import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { HistoryEntry } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { BlobImage } from './blob-image.tsx'
import { Given } from './given.tsx'

/**
 * What a record was made from, or the picture that was made; on a photo, where things were found. Whole where faces were
 * to be hidden: one that was missed may be at the edge.
 */
export function RecordGiven({ body }: { body: HistoryEntry['body'] }): JSX.Element | null {
  const { kit } = useApp()
  const [blob, setBlob] = useState<Blob>()
  const { answer, attachments } = body
  const kept =
    attachments.find(({ role }) => role === 'output') ??
    attachments.find(({ role }) => role === 'input') ??
    attachments[0]
  useEffect(() => {
    let stopped = false
    if (kept) {
      kit.records.attachment(kept.sha256).then(
        (found) => !stopped && setBlob(found?.slice(0, found.size, kept.type)),
        () => undefined,
      )
    }
    return () => {
      stopped = true
    }
  }, [kept?.sha256])
  if (!kept) return null
  if (!kept.type.startsWith('image/')) return blob ? <Given blob={blob} /> : <div class="given-waiting" />
  const boxes = answer.kind === 'boxes' ? answer.boxes : undefined
  return (
    <BlobImage blob={blob} alt={i18n.t('photo.alt')} whole={boxes !== undefined || body.faces !== undefined}>
      {boxes && (
        <svg class="boxes" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
          {boxes.map(({ x, y, width, height }) => (
            <rect key={`${x} ${y} ${width} ${height}`} x={x} y={y} width={width} height={height} />
          ))}
        </svg>
      )}
    </BlobImage>
  )
}
