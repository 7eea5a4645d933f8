import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { formatBytes } from '../format.ts'
import { LANGUAGES } from '../language.ts'
import { useLanguage, useValue } from '../use-value.ts'
import { ClipFetch, useClips } from './clip-fetch.tsx'

/** What recordings of a pack are here, and those of the language of the app where they are wanted. */
export function PackClips({ pack }: { pack: string }): JSX.Element | null {
  const clips = useClips(pack)
  return clips ? <Stock clips={clips} pack={pack} /> : null
}

function Stock({ clips, pack }: { clips: NonNullable<ReturnType<typeof useClips>>; pack: string }): JSX.Element {
  const language = useLanguage()
  const all = useValue(clips.stocks)[pack] ?? {}
  const wanted = useValue(clips.wanted)
  const here = Object.entries(all).flatMap(([tag, { have }]) =>
    have > 0 ? `${LANGUAGES[tag]?.name ?? tag} ${formatBytes(have, language)}` : [],
  )
  const stock = all[wanted ?? '']
  return (
    <>
      {here.length > 0 && (
        <p class="small" data-testid="clips-here">
          {i18n.t('clip.stored', { list: new Intl.ListFormat(language, { type: 'unit' }).format(here) })}
        </p>
      )}
      {stock && stock.have < stock.bytes && <ClipFetch clips={clips} pack={pack} stock={stock} />}
    </>
  )
}
