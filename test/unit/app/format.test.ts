import { describe, expect, it } from 'vitest'
import { formatBytes, formatDuration, formatNumber } from '../../../src/app/format.ts'
import { formatPercent } from '../../../src/app/format-percent.ts'
import { formatDay } from '../../../src/app/format-when.ts'
import { LANGUAGES } from '../../../src/app/language.ts'

/** `Intl` puts no-break spaces where it likes. */
const plain = (text: string): string => text.replaceAll(/\s/g, ' ')

describe('formatNumber', () => {
  it('writes what Intl writes, in every language of the app', () => {
    for (const language of Object.keys(LANGUAGES))
      for (const value of [0, 7, 42, 999, 1000, 12_345, 0.5, -3])
        expect(formatNumber(value, language)).toBe(new Intl.NumberFormat(language).format(value))
  })
})

describe('formatBytes', () => {
  it('rounds up, so that nobody pays more than was said', () => {
    expect(plain(formatBytes(401_001, 'en'))).toBe('402 kB')
    expect(plain(formatBytes(1, 'en'))).toBe('1 kB')
    expect(plain(formatBytes(0, 'en'))).toBe('0 kB')
  })
  it('goes over to megabytes', () => {
    expect(plain(formatBytes(999_500, 'en'))).toBe('1 MB')
    expect(plain(formatBytes(2_300_583, 'en'))).toBe('2.4 MB')
  })
  it('says the unit in the language', () => {
    expect(plain(formatBytes(402_000, 'sw'))).toContain('kilobaiti')
  })
})

describe('formatDuration', () => {
  it('rounds up, in the unit that says most', () => {
    expect(plain(formatDuration(0.2, 'en'))).toBe('1 sec')
    expect(plain(formatDuration(59, 'en'))).toBe('59 sec')
    expect(plain(formatDuration(61, 'en'))).toBe('2 min')
    expect(plain(formatDuration(5400, 'en'))).toBe('90 min')
    expect(plain(formatDuration(7201, 'en'))).toBe('3 hr')
  })
  it('says a rate in the language', () => {
    expect(plain(formatBytes(18_750, 'en', '-per-second'))).toBe('19 kB/s')
    expect(plain(formatBytes(18_750, 'fr', '-per-second'))).toBe('19 ko/s')
  })
})

describe('formatPercent', () => {
  it('writes what Intl writes, in every language of the app', () => {
    for (const language of Object.keys(LANGUAGES)) {
      const byIntl = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 })
      for (const value of [0, 0.004, 0.094, 0.145, 0.285, 0.5, 0.995, 1, 1.5, 12, -0.2])
        expect(formatPercent(value, language)).toBe(byIntl.format(value))
    }
  })
})

describe('formatDay', () => {
  const now = new Date(2026, 10, 23, 0, 30).getTime()
  it('counts days by the calendar, not by hours', () => {
    expect(formatDay(new Date(2026, 10, 23, 0, 5).getTime(), now, 'en')).toBe('Today')
    expect(formatDay(new Date(2026, 10, 22, 23, 55).getTime(), now, 'en')).toBe('Yesterday')
    expect(formatDay(new Date(2026, 10, 22, 0, 0).getTime(), now, 'sw')).toBe('Jana')
  })
  it('names the day, and the year when it is another one', () => {
    expect(formatDay(new Date(2026, 10, 21).getTime(), now, 'en')).toMatch(/Saturday.*21/)
    expect(formatDay(new Date(2026, 10, 21).getTime(), now, 'en')).not.toContain('2026')
    expect(formatDay(new Date(1970, 0, 1).getTime(), now, 'en')).toContain('1970')
  })
  it('shows a clock that is ahead as a date', () => {
    expect(formatDay(new Date(2036, 0, 1).getTime(), now, 'en')).toContain('2036')
  })
})
