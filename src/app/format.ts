/** Numbers and times in the words and digits of a language, by `Intl`. */

/** Languages whose digits are for the browser to say: it depends on its version. All others write 0 to 9. */
export const OWN_DIGITS: readonly string[] = ['ar']

/** Small counts are on the first screen, and the first use of `Intl` costs a slow phone a tenth of a second. */
export const formatNumber = (value: number, language: string): string =>
  Number.isInteger(value) && value >= 0 && value < 1000 && !OWN_DIGITS.includes(language)
    ? String(value)
    : new Intl.NumberFormat(language).format(value)

/** Rounded up: nobody should pay more, or wait longer, than was said. */
function formatUnit(value: number, unit: string, digits: number, language: string): string {
  const step = 10 ** digits
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: digits,
  }).format(Math.ceil(value * step) / step)
}

/** As a phone's data plan counts: 1 kB is 1000 bytes. @param per `-per-second` for a rate */
export const formatBytes = (bytes: number, language: string, per = ''): string =>
  bytes < 999_000
    ? formatUnit(bytes / 1e3, `kilobyte${per}`, 0, language)
    : formatUnit(bytes / 1e6, `megabyte${per}`, 1, language)

/** In seconds, minutes or hours: whoever waits wants to know which of them. */
export function formatDuration(seconds: number, language: string): string {
  if (seconds <= 59) return formatUnit(seconds, 'second', 0, language)
  return seconds <= 5400
    ? formatUnit(seconds / 60, 'minute', 0, language)
    : formatUnit(seconds / 3600, 'hour', 0, language)
}
