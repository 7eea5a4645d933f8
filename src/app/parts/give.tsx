import { i18n } from '@lingui/core'
import type { ComponentChildren, JSX, TargetedEvent } from 'preact'
import type { PackOffer } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { Picture, type PictureName } from '../pictures.tsx'
import { hrefOf } from '../routes.ts'
import { giveFiles } from '../state/give.ts'

interface GiveProps {
  pack: string
  takes: PackOffer['takes']
  /** When an answer is on screen already. */
  again?: boolean
}

/** What a task is asked with, by what its pack takes: the one thing to press, large. */
export function Give({ pack, takes = 'image', again = false }: GiveProps): JSX.Element {
  switch (takes) {
    case 'audio':
      return <SoundButtons pack={pack} again={again} />
    case 'text':
      return (
        <a class="button primary" href={hrefOf({ screen: 'capture', pack })} data-testid="write">
          <Picture name="write" />
          <span>{again ? i18n.t('text.next') : i18n.t('text.write')}</span>
        </a>
      )
    case 'bytes':
      return (
        <Chooser pack={pack} accept="" picture="file" testid="file-choose" primary>
          {i18n.t('file.choose')}
        </Chooser>
      )
    default:
      return <PhotoButtons pack={pack} again={again} />
  }
}

/** The camera, large, and quietly beside it a photo that is here already. Choosing one starts the task. */
function PhotoButtons({ pack, again }: { pack: string; again: boolean }): JSX.Element {
  return (
    <div class="actions">
      <Chooser pack={pack} accept="image/*" camera picture="camera" testid="photo-input" primary>
        {again ? i18n.t('photo.next') : i18n.t('photo.take')}
      </Chooser>
      <Chooser pack={pack} accept="image/*" picture="photos" testid="photo-choose" many>
        {i18n.t('photo.choose')}
      </Chooser>
    </div>
  )
}

/** The microphone, large, and a recording that is here already. */
function SoundButtons({ pack, again }: { pack: string; again: boolean }): JSX.Element {
  const { attempts } = useApp()
  return (
    <div class="actions">
      <button type="button" class="button primary" data-testid="listen" onClick={() => void attempts.listen(pack)}>
        <Picture name="microphone" />
        <span>{again ? i18n.t('sound.next') : i18n.t('sound.speak')}</span>
      </button>
      <Chooser pack={pack} accept="audio/*" picture="file" testid="sound-choose">
        {i18n.t('sound.choose')}
      </Chooser>
    </div>
  )
}

interface ChooserProps {
  pack: string
  accept: string
  picture: PictureName
  testid: string
  children: ComponentChildren
  camera?: boolean
  primary?: boolean
  /** More than one may be chosen: each becomes an answer of its own. */
  many?: boolean
}

export function Chooser({ pack, accept, picture, testid, children, camera, primary, many }: ChooserProps): JSX.Element {
  const app = useApp()
  const choose = (event: TargetedEvent<HTMLInputElement>): void => {
    const input = event.currentTarget
    const files = [...(input.files ?? [])]
    // Emptied, so that the same file chosen again is a change again.
    input.value = ''
    giveFiles(app, pack, files)
  }
  return (
    <label class={primary ? 'button primary' : 'button'}>
      <input
        type="file"
        {...(accept && { accept })}
        {...(camera && { capture: 'environment' as const })}
        multiple={many}
        data-testid={testid}
        data-pack={pack}
        onChange={choose}
      />
      <Picture name={picture} />
      <span>{children}</span>
    </label>
  )
}
