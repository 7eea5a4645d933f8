import { i18n } from '@lingui/core'
import type { JSX, TargetedEvent } from 'preact'
import { useApp } from '../context.ts'
import { Picture } from '../pictures.tsx'

interface PhotoButtonsProps {
  pack: string
  /** When an answer is on screen already. */
  again?: boolean
}

/** The camera, large, and quietly beside it a photo that is here already. Choosing one starts the task. */
export function PhotoButtons({ pack, again = false }: PhotoButtonsProps): JSX.Element {
  const { attempts } = useApp()
  const choose = (event: TargetedEvent<HTMLInputElement>): void => {
    const input = event.currentTarget
    const photo = input.files?.[0]
    // Emptied, so that the same photo chosen again is a change again.
    input.value = ''
    if (photo) void attempts.begin(pack, photo)
  }
  return (
    <div class="actions">
      <label class="button primary">
        <input
          type="file"
          accept="image/*"
          capture="environment"
          data-testid="photo-input"
          data-pack={pack}
          onChange={choose}
        />
        <Picture name="camera" />
        <span>{again ? i18n.t('photo.next') : i18n.t('photo.take')}</span>
      </label>
      <label class="button">
        <input type="file" accept="image/*" data-testid="photo-choose" onChange={choose} />
        <Picture name="photos" />
        <span>{i18n.t('photo.choose')}</span>
      </label>
    </div>
  )
}
