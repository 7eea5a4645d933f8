/** Times in the words and digits of a language, by `Intl`, whose first use costs a slow phone a tenth of a second. */

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
