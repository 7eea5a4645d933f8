import { JikoError } from '../protocol/error.ts'
import type { Budget } from '../protocol/worker.ts'
import type { LinkFacts } from './cost.ts'
import type { Ledger } from './ledger.ts'

/** Bytes that may still come now; `Infinity` without a limit. */
export function allowance({ perDay, perMonth }: Budget, ledger: Pick<Ledger, 'today' | 'thisMonth'>): number {
  const left = [
    perDay === undefined ? [] : perDay - ledger.today(),
    perMonth === undefined ? [] : perMonth - ledger.thisMonth(),
  ]
  return Math.max(0, Math.min(Number.POSITIVE_INFINITY, ...left.flat()))
}

/** Is this a link on which bytes cost money, as far as the browser says? */
export const isMetered = ({ type, saveData, effectiveType }: LinkFacts): boolean =>
  saveData === true || type === 'cellular' || (type === undefined && /2g|3g/.test(effectiveType ?? ''))

/** @throws JikoError `download/metered` where bytes cost money and only free ones are allowed. */
export function checkFree({ unmeteredOnly }: Budget, link: LinkFacts): void {
  if (unmeteredOnly && isMetered(link)) {
    throw new JikoError('download/metered', 'Stopped: this link costs money, and packs may only use free ones.')
  }
}

/**
 * Counts every byte and stops the download when the budget is used up: what is fetched stays, and it goes on tomorrow.
 * For `spend` of an installer.
 * @throws JikoError `download/over-budget`, `download/metered`
 */
export function createSpender({
  budget,
  ledger,
  link = () => ({}),
}: {
  budget: () => Budget
  ledger: Ledger
  link?: () => LinkFacts
}): (bytes: number, pack: string) => void {
  return (bytes, pack) => {
    // The bytes are here already: they count even when they are the ones that go over.
    ledger.add(bytes, pack)
    const limits = budget()
    checkFree(limits, link())
    if (allowance(limits, ledger) <= 0) {
      const { perDay = 0, perMonth = 0 } = limits
      throw new JikoError(
        'download/over-budget',
        'Stopped: the data budget for packs is used up. It goes on when there is more.',
        {
          detail: { today: ledger.today(), month: ledger.thisMonth(), perDay, perMonth },
        },
      )
    }
  }
}
