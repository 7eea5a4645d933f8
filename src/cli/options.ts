import { InvalidArgumentError } from 'commander'

/** A whole number from 1 on, for an option. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('Give a whole number from 1 on.')
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new InvalidArgumentError('Give a number above 0.')
}

/** A share given in per cent. */
export function shareOption(text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0 && value <= 100) return value / 100
  throw new InvalidArgumentError('Give per cent, above 0 and up to 100.')
}
