import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

interface BlobImageProps {
  blob: Blob | undefined
  alt: string
  /** All of it, not cut to the frame: what is drawn over it (the children) must lie where it belongs. */
  whole?: boolean
  children?: ComponentChildren
}

/** A picture that is only in memory; its URL lives as long as it is on screen. */
export function BlobImage({ blob, alt, whole = false, children }: BlobImageProps): JSX.Element {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    if (!blob) return
    const made = URL.createObjectURL(blob)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [blob])
  // What cannot be shown (a text file chosen as a photo) leaves the frame empty, not a broken image.
  return (
    <div class={whole ? 'photo whole' : 'photo'}>
      {url && <img src={url} alt={alt} decoding="async" onError={() => setUrl(undefined)} />}
      {children}
    </div>
  )
}
