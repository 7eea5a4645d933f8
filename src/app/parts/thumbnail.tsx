import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ResultBody } from '../../protocol/record.ts'
import { useApp } from '../context.ts'
import { Picture } from '../pictures.tsx'

/** Of the photo and its small preview the one that is wanted, else the other. */
export function photoOf({ attachments }: ResultBody, wanted: 'preview' | 'input'): string | undefined {
  const pictures = attachments.filter(({ type }) => type.startsWith('image/'))
  return (pictures.find(({ role }) => role === wanted) ?? pictures[0])?.sha256
}

const SIDE = 144

/**
 * A square of the photo on a canvas: the decoded original, 48 MB for a 12-megapixel photo, is let go at once. Rows out
 * of sight draw nothing.
 */
export function Thumbnail({ body }: { body: ResultBody }): JSX.Element {
  const sha256 = photoOf(body, 'preview')
  return sha256 ? <Photo sha256={sha256} /> : <Sign body={body} />
}

/** Of what is no photo: a word, a text, a file. */
function Sign({ body }: { body: ResultBody }): JSX.Element {
  const type = body.attachments[0]?.type ?? ''
  const name = type.startsWith('audio/') ? 'microphone' : type.startsWith('text/') ? 'write' : 'file'
  return (
    <span class="thumbnail">
      <Picture name={name} />
    </span>
  )
}

function Photo({ sha256 }: { sha256: string }): JSX.Element {
  const { kit } = useApp()
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const element = canvas.current
    if (!element) return
    let stopped = false
    async function draw(target: HTMLCanvasElement, hash: string): Promise<void> {
      const blob = await kit.records.attachment(hash)
      if (!blob || stopped) return
      const bitmap = await createImageBitmap(blob)
      const side = Math.min(bitmap.width, bitmap.height)
      target
        .getContext('2d')
        ?.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, SIDE, SIDE)
      bitmap.close()
    }
    const watcher = new IntersectionObserver((seen) => {
      if (!seen.some(({ isIntersecting }) => isIntersecting)) return
      watcher.disconnect()
      // A photo that cannot be drawn leaves the plain square; the row says the rest.
      draw(element, sha256).catch(() => undefined)
    })
    watcher.observe(element)
    return () => {
      stopped = true
      watcher.disconnect()
    }
  }, [sha256])
  return <canvas ref={canvas} class="thumbnail" width={SIDE} height={SIDE} />
}
