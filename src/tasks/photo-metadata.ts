/** How EXIF and XMP announce themselves in JPEG, PNG and WebP. */
const MARKS = /exif|xmp |ns\.adobe/i

/**
 * Whether a photo file may say more than the picture: where and when it was taken, and with which phone. Looks for the
 * marks anywhere, so it may suspect an innocent file now and then, but misses none of the usual ones.
 */
export const carriesMetadata = (file: Uint8Array): boolean => MARKS.test(new TextDecoder('latin1').decode(file))
