import { isAbort } from '../../lib/abort.ts'

/** By the share sheet, or as a download where there is none or it refuses the file, as Chromium does for unknown endings. */
export async function handOn(file: File): Promise<void> {
  if (navigator.canShare?.({ files: [file] })) {
    try {
      return await navigator.share({ files: [file], title: file.name })
    } catch (error) {
      if (isAbort(error)) return
    }
  }
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = file.name
  link.click()
  // The download has begun by then; the memory of a large file is worth having back.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
