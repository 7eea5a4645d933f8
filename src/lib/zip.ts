import { Zip, ZipDeflate } from 'fflate'

/** One file in a ZIP that is being made; the last bytes end it. */
export interface ZipPart {
  push(bytes: Uint8Array, isLast?: boolean): void
}

/** A ZIP as it is made, one file after the other: what is ready is taken out as one goes. */
export function createZip(): { begin(name: string): ZipPart; end(): void; take(): Uint8Array[] } {
  const ready: Uint8Array[] = []
  const zip = new Zip((error, chunk) => {
    if (error) throw error
    ready.push(chunk)
  })
  return {
    begin(name) {
      const part = new ZipDeflate(name)
      zip.add(part)
      return part
    },
    end: () => zip.end(),
    take: () => ready.splice(0),
  }
}
