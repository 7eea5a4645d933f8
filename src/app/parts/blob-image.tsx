import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** A picture that is only in memory; its URL lives as long as it is on screen. */
export function BlobImage({ blob, alt }: { blob: Blob | undefined; alt: string }): JSX.Element {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    if (!blob) return
    const made = URL.createObjectURL(blob)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [blob])
  // What cannot be shown (a text file chosen as a photo) leaves the frame empty, not a broken image.
  return (
    <div class="photo">{url && <img src={url} alt={alt} decoding="async" onError={() => setUrl(undefined)} />}</div>
  )
}
