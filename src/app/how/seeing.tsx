import { i18n } from '@lingui/core'
import type { JSX, TargetedEvent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { JikoError } from '../../protocol/error.ts'
import { formatNumber } from '../format.ts'
import { Choices } from '../parts/choices.tsx'
import { Failure } from '../parts/notice.tsx'
import { Picture } from '../pictures.tsx'
import { useLanguage } from '../use-value.ts'
import { brightened, convolve, type Grey, type Kernel } from './convolve.ts'

const SIDE = 96

const KERNELS = {
  upright: [-1, 0, 1, -2, 0, 2, -1, 0, 1],
  level: [-1, -2, -1, 0, 0, 0, 1, 2, 1],
  spots: [-1, -1, -1, -1, 8, -1, -1, -1, -1],
  blur: [1, 2, 1, 2, 4, 2, 1, 2, 1],
} as const satisfies Record<string, Kernel>
type Name = keyof typeof KERNELS

/** A convolution on a picture of one's own, live. */
export function Seeing(): JSX.Element {
  const language = useLanguage()
  const [name, setName] = useState<Name>('upright')
  const [picture, setPicture] = useState(drawn)
  const [error, setError] = useState<unknown>()
  const kernel = KERNELS[name]
  const choose = ({ currentTarget: input }: TargetedEvent<HTMLInputElement>): void => {
    const file = input.files?.[0]
    input.value = ''
    setError(undefined)
    if (file) greyOf(file).then(setPicture, setError)
  }
  return (
    <section class="lesson" data-testid="seeing" data-kernel={name}>
      <h2 class="section">{i18n.t('how.sees')}</h2>
      <p>{i18n.t('how.sees.text')}</p>
      <div class="feature-map">
        <Dots of={picture} label={i18n.t('how.picture')} testid="how-picture" />
        <Dots of={brightened(convolve(picture, kernel))} label={i18n.t('how.map')} testid="how-map" />
      </div>
      <Choices
        pairs
        name="kernel"
        legend={i18n.t('how.kernel')}
        value={name}
        choices={[
          { value: 'upright' as Name, text: i18n.t('how.upright') },
          { value: 'level' as Name, text: i18n.t('how.level') },
          { value: 'spots' as Name, text: i18n.t('how.spots') },
          { value: 'blur' as Name, text: i18n.t('how.blur') },
        ]}
        onChoose={(chosen) => setName(chosen)}
      />
      <div class="kernel" dir="ltr">
        {kernel.map((value, i) => (
          <span key={i}>{formatNumber(value, language)}</span>
        ))}
      </div>
      <label class="button">
        <input type="file" accept="image/*" data-testid="how-photo" onChange={choose} />
        <Picture name="photos" />
        <span>{i18n.t('photo.choose')}</span>
      </label>
      {error !== undefined && <Failure error={error} />}
    </section>
  )
}

function Dots({ of, label, testid }: { of: Grey; label: string; testid: string }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context) return
    const image = context.createImageData(of.width, of.height)
    for (const [i, value] of of.values.entries()) {
      image.data.fill(Math.round(255 * value), i * 4, i * 4 + 3)
      image.data[i * 4 + 3] = 255
    }
    context.putImageData(image, 0, 0)
  }, [of])
  return <canvas ref={canvas} width={of.width} height={of.height} role="img" aria-label={label} data-testid={testid} />
}

/** A leaf with a few spots, where nobody has given a photo. */
function drawn(): Grey {
  const { context, read } = surface()
  context.fillStyle = '#ddd'
  context.fillRect(0, 0, SIDE, SIDE)
  context.fillStyle = '#555'
  context.beginPath()
  context.moveTo(14, 84)
  context.quadraticCurveTo(8, 20, 84, 12)
  context.quadraticCurveTo(88, 76, 14, 84)
  context.fill()
  context.strokeStyle = '#aaa'
  context.lineWidth = 2
  context.beginPath()
  context.moveTo(8, 90)
  context.lineTo(70, 26)
  context.stroke()
  context.fillStyle = '#eee'
  for (const [x, y] of [
    [40, 34],
    [60, 52],
    [34, 58],
  ] as const) {
    context.beginPath()
    context.arc(x, y, 4, 0, 7)
    context.fill()
  }
  return read()
}

async function greyOf(photo: Blob): Promise<Grey> {
  const size = { resizeWidth: SIDE, resizeHeight: SIDE, resizeQuality: 'medium' } as const
  const bitmap = await createImageBitmap(photo, size).catch((cause) => {
    throw new JikoError('input/not-an-image', 'the file cannot be read as a picture', { cause })
  })
  const { context, read } = surface()
  context.drawImage(bitmap, 0, 0, SIDE, SIDE)
  bitmap.close()
  return read()
}

function surface() {
  const canvas = document.createElement('canvas')
  canvas.width = SIDE
  canvas.height = SIDE
  const context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D
  const read = (): Grey => {
    const { data } = context.getImageData(0, 0, SIDE, SIDE)
    const grey = (at: number): number =>
      (0.299 * (data[at] as number) + 0.587 * (data[at + 1] as number) + 0.114 * (data[at + 2] as number)) / 255
    return { width: SIDE, height: SIDE, values: Float32Array.from({ length: SIDE * SIDE }, (_, i) => grey(i * 4)) }
  }
  return { context, read }
}
