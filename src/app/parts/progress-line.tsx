import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import type { Progress } from '../../protocol/worker.ts'
import { formatBytes, formatDuration } from '../format.ts'
import { useLanguage } from '../use-value.ts'

const phaseText = (phase: Progress['phase'] | undefined): string => {
  if (phase === 'download') return i18n.t('progress.download')
  if (phase === 'runtime') return i18n.t('progress.runtime')
  if (phase === 'verify') return i18n.t('progress.verify')
  return i18n.t('progress.start')
}

/** How far a long work is: a bar of the whole width, and bytes, rate and time left while bytes are what it costs. */
export function ProgressLine({ progress }: { progress: Progress | undefined }): JSX.Element {
  const language = useLanguage()
  const known = progress !== undefined && progress.total > 0
  const { bytesPerSecond, secondsLeft } = progress ?? {}
  const counted = known && (progress.phase === 'download' || progress.phase === 'runtime')
  return (
    <div class="progress">
      <progress aria-label={phaseText(progress?.phase)} {...(known && { value: progress.done, max: progress.total })} />
      <p>
        <span>{phaseText(progress?.phase)}</span>
        {counted && (
          <span class="figures">
            {i18n.t('progress.bytes', {
              done: formatBytes(progress.done, language),
              total: formatBytes(progress.total, language),
            })}
          </span>
        )}
      </p>
      {(bytesPerSecond || secondsLeft) && (
        <p class="figures" data-testid="pace" data-rate={bytesPerSecond} data-left={secondsLeft}>
          <span>{bytesPerSecond && formatBytes(bytesPerSecond, language, '-per-second')}</span>
          <span>{secondsLeft && i18n.t('progress.left', { time: formatDuration(secondsLeft, language) })}</span>
        </p>
      )}
    </div>
  )
}
