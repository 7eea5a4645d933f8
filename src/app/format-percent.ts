import { OWN_DIGITS } from './format.ts'

/** Languages that write a space before the sign. */
const SPACED: readonly string[] = ['es', 'fr']

/**
 * As `Intl` writes it, mostly without: its first use costs a slow phone a tenth of a second, and an answer has a percentage.
 * @param value 0-1, or more
 */
export function formatPercent(value: number, language: string): string {
  if (value >= 0 && value < 10 && !OWN_DIGITS.includes(language)) {
    // As decimals are rounded: in binary a hundred times 0.145 is less than 14.5.
    const figure = Math.round(Number((value * 100).toPrecision(12)))
    return `${figure}${SPACED.includes(language) ? '\u00a0%' : '%'}`
  }
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(value)
}
