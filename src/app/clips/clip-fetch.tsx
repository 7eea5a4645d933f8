import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ClipStock } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { formatBytes } from '../format.ts'
import { LANGUAGES } from '../language.ts'
import { Failure, Notice } from '../parts/notice.tsx'
import { ProgressLine } from '../parts/progress-line.tsx'
import { Picture } from '../pictures.tsx'
import { isHeldBack } from '../state/packs.ts'
import { useLanguage, useValue } from '../use-value.ts'
import { type Clips, jobOf } from './stocks.ts'

/** What is known of recordings, once that is here; of this pack it is looked up. */
export function useClips(pack: string): Clips | undefined {
  const { clips } = useApp()
  const [here, setHere] = useState<Clips>()
  useEffect(() => {
    clips().then(
      (opened) => {
        setHere(opened)
        void opened.look(pack)
      },
      () => undefined,
    )
  }, [])
  return here
}

interface ClipFetchProps {
  clips: Clips
  pack: string
  /** In the language of the app. */
  stock: ClipStock[string]
}

/** Recordings that are not here: what they cost, and their way here. */
export function ClipFetch({ clips, pack, stock }: ClipFetchProps): JSX.Element {
  const { kit } = useApp()
  const language = useLanguage()
  const job = useValue(clips.jobs)[jobOf(pack, language)]
  const [asked, setAsked] = useState(false)
  if (job && job.error === undefined)
    return (
      <>
        <ProgressLine progress={job.progress} />
        <button type="button" class="button" data-testid="clip-stop" onClick={() => job.controller.abort()}>
          <Picture name="close" />
          <span>{i18n.t('pack.stop')}</span>
        </button>
      </>
    )
  const held = isHeldBack(job?.error)
  async function get(): Promise<void> {
    if (!asked && !held && (await kit.packs.usage()).metered) setAsked(true)
    else await clips.fetch(pack, { anyway: held })
  }
  const size = formatBytes(stock.bytes - stock.have, language)
  return (
    <div data-testid="clip-away">
      <Notice picture="speaker" title={i18n.t('clip.away', { language: LANGUAGES[language]?.name ?? language })}>
        <p data-testid="clip-cost">{i18n.t('pack.cost', { size })}</p>
        {job?.error !== undefined && <Failure error={job.error} />}
        {asked && !held && <p role="alert">{i18n.t('pack.metered')}</p>}
        <button type="button" class="button" data-testid="clip-get" onClick={() => void get()}>
          <Picture name="download" />
          <span>{asked || held ? i18n.t('pack.anyway') : i18n.t('pack.get')}</span>
        </button>
      </Notice>
    </div>
  )
}
