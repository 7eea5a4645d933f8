/** How a JPEG says it is to be turned, 1-8 as EXIF numbers them; 1 where it says nothing. @param bytes the file's beginning */
export function orientationOf(bytes: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    for (let at = 2; view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
      const marker = view.getUint8(at + 1)
      // From here on there are no more notes, only the picture.
      if (marker === 0xda) return 1
      // "Exif" and two zeros.
      if (marker === 0xe1 && view.getUint32(at + 4) === 0x45786966) return fromTiff(view, at + 10)
    }
  } catch (error) {
    // Cut short: the rest of the file is none of our business here.
    if (!(error instanceof RangeError)) throw error
  }
  return 1
}

function fromTiff(view: DataView, start: number): number {
  const little = view.getUint16(start) === 0x4949
  const first = start + view.getUint32(start + 4, little)
  for (let i = 0; i < view.getUint16(first, little); i++) {
    const entry = first + 2 + 12 * i
    if (view.getUint16(entry, little) !== 0x0112) continue
    const value = view.getUint16(entry + 8, little)
    return value >= 1 && value <= 8 ? value : 1
  }
  return 1
}
