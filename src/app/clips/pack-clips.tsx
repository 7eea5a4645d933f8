import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { formatBytes } from '../format.ts'
import { Failure } from '../parts/notice.tsx'
import { Picture } from '../pictures.tsx'
import { useLanguage, useValue } from '../use-value.ts'
import { ClipFetch, useClips } from './clip-fetch.tsx'
import { languageName } from './language-name.ts'
import type { Clips } from './stocks.ts'

/** What recordings of a pack are here, and those of the language of the app where they are wanted. */
export function PackClips({ pack }: { pack: string }): JSX.Element | null {
  const clips = useClips(pack)
  return clips ? <Stock clips={clips} pack={pack} /> : null
}

function Stock({ clips, pack }: { clips: Clips; pack: string }): JSX.Element {
  const all = useValue(clips.stocks)[pack] ?? {}
  const wanted = useValue(clips.wanted)
  const here = Object.entries(all).filter(([, { kept }]) => kept)
  const stock = all[wanted ?? '']
  return (
    <div class="clips">
      {here.length > 0 && (
        <>
          <p class="small">{i18n.t('clip.stored')}</p>
          <ul>
            {here.map(([tag, { have }]) => (
              <Held key={tag} clips={clips} pack={pack} tag={tag} bytes={have} spoken={tag === wanted} />
            ))}
          </ul>
        </>
      )}
      {stock && stock.have < stock.bytes && <ClipFetch clips={clips} pack={pack} stock={stock} />}
    </div>
  )
}

interface HeldProps {
  clips: Clips
  pack: string
  tag: string
  bytes: number
  /** What the app speaks now stays: it would come again by itself. */
  spoken: boolean
}

/** The recordings of one language. Whoever changes the language back pays for them again, so they only go when told to. */
function Held({ clips, pack, tag, bytes, spoken }: HeldProps): JSX.Element {
  const language = useLanguage()
  const [error, setError] = useState<unknown>()
  const { name, said } = languageName(tag, language)
  return (
    <li data-testid={`clips-${tag}`} data-bytes={bytes}>
      <Picture name="speaker" />
      <span>
        <bdi lang={said}>{name}</bdi> <span class="small">{formatBytes(bytes, language)}</span>
      </span>
      {!spoken && (
        <button
          type="button"
          class="button quiet"
          data-testid={`clips-drop-${tag}`}
          aria-label={i18n.t('clip.drop', { language: name })}
          onClick={() => clips.drop(pack, tag).catch(setError)}
        >
          {i18n.t('settings.remove')}
        </button>
      )}
      {error !== undefined && <Failure error={error} />}
    </li>
  )
}
