import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { HistoryEntry, PackOffer } from '../../client/kit.ts'
import type { Faces } from '../../protocol/record.ts'
import { useApp } from '../context.ts'
import { Picture } from '../pictures.tsx'
import { FinderLine } from './finder-line.tsx'
import { Failure, Notice } from './notice.tsx'
import { useSeen } from './use-seen.ts'

interface FacesProps {
  entry: HistoryEntry
  faces: Faces
  offer: PackOffer | undefined
}

/** Beside the photo as it was kept: how many faces were hidden in it, and the way to take it away when one was not. */
export function HiddenFaces({ entry, faces, offer }: FacesProps): JSX.Element {
  const { hidden = 0, unkept } = faces
  if (unkept === 'person') return <Gone />
  if (unkept !== undefined) return <NotKept offer={offer} />
  return <Kept entry={entry} hidden={hidden} />
}

function Kept({ entry, hidden }: { entry: HistoryEntry; hidden: number }): JSX.Element {
  const [asked, setAsked] = useState(false)
  // Whoever has seen a face and was called away has not said that the photo may go.
  useSeen(asked ? [] : [entry.id])
  return (
    <div data-testid="faces" data-hidden={hidden}>
      <Notice picture="person" title={i18n.t('faces.hidden', { count: hidden })} text={i18n.t('faces.as-kept')}>
        <Left entry={entry} asked={asked} onAsk={setAsked} />
      </Notice>
    </div>
  )
}

interface LeftProps {
  entry: HistoryEntry
  asked: boolean
  onAsk(asked: boolean): void
}

/** A person looks at what a machine may have missed. The photo goes for good, so it is asked once more. */
function Left({ entry, asked, onAsk }: LeftProps): JSX.Element {
  const { kit, navigation, announce } = useApp()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  async function remove(): Promise<void> {
    setBusy(true)
    try {
      const record = await kit.records.removePhoto(entry.id)
      announce(i18n.t('faces.removed'))
      navigation.replace({ screen: 'answer', record })
    } catch (reason) {
      setError(reason)
      setBusy(false)
    }
  }
  if (!asked) {
    return (
      <button type="button" class="button" data-testid="face-left" onClick={() => onAsk(true)}>
        {i18n.t('faces.left')}
      </button>
    )
  }
  return (
    <>
      <p>{i18n.t('faces.left.ask')}</p>
      <div class="actions">
        <button type="button" class="button" disabled={busy} data-testid="face-remove" onClick={() => void remove()}>
          <Picture name="close" />
          <span>{i18n.t('faces.left.yes')}</span>
        </button>
        <button type="button" class="button quiet" disabled={busy} onClick={() => onAsk(false)}>
          {i18n.t('settings.remove.no')}
        </button>
      </div>
      {error !== undefined && <Failure error={error} />}
    </>
  )
}

const Gone = (): JSX.Element => (
  <div data-testid="photo-removed">
    <Notice picture="check" title={i18n.t('faces.removed')} />
  </div>
)

/** What a person must know at once: the photo is not there, and why. */
function NotKept({ offer }: { offer: PackOffer | undefined }): JSX.Element {
  const { announce } = useApp()
  const [title, text] = [i18n.t('faces.unkept'), i18n.t('faces.unkept.text')]
  useEffect(() => announce(`${title}. ${text}`), [])
  return (
    <>
      <div data-testid="photo-not-kept">
        <Notice picture="warning" title={title} text={text} />
      </div>
      {offer && <FinderLine offer={offer} />}
    </>
  )
}
