/** Numbers and times in the words and digits of a language, by `Intl`. */

/** Languages whose digits are for the browser to say: it depends on its version. All others write 0 to 9. */
const OWN_DIGITS: readonly string[] = ['ar']

/** Small counts are on the first screen, and the first use of `Intl` costs a slow phone a tenth of a second. */
export const formatNumber = (value: number, language: string): string =>
  Number.isInteger(value) && value >= 0 && value < 1000 && !OWN_DIGITS.includes(language)
    ? String(value)
    : new Intl.NumberFormat(language).format(value)

export const formatPercent = (value: number, language: string): string =>
  new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(value)

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

export const formatTime = (wall: number, language: string): string =>
  new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' }).format(wall)

const dayNumber = (wall: number): number => {
  const date = new Date(wall)
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000
}

/** "Today", "Yesterday", else the date; the year only when it is another one. */
export function formatDay(wall: number, now: number, language: string): string {
  const ago = dayNumber(now) - dayNumber(wall)
  if (ago === 0 || ago === 1) {
    const text = new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-ago, 'day')
    return text.charAt(0).toLocaleUpperCase(language) + text.slice(1)
  }
  const sameYear = new Date(wall).getFullYear() === new Date(now).getFullYear()
  return new Intl.DateTimeFormat(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(wall)
}

export const formatWhen = (wall: number, now: number, language: string): string =>
  `${formatDay(wall, now, language)}, ${formatTime(wall, language)}`
