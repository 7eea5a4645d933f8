import { JikoError } from '../../protocol/error.ts'
import type { Head, HubStream, Segment } from './store.ts'

/** How long a device's last contact may be out of date: an idle phone that asks often costs no disk write. */
export const SEEN_GRAIN = 60_000

/** @throws JikoError `hub/bad-segment`. */
export function checkSegment({ stream, after, lines }: Segment): void {
  lines.forEach(({ seq }, i) => {
    if (seq === after.seq + 1 + i) return
    throw new JikoError(
      'hub/bad-segment',
      `${stream}: line ${i} of a segment after ${after.seq} has the number ${seq}, expected ${after.seq + 1 + i}`,
    )
  })
}

/** Where the stream stands once the segment is added. */
export function endOf({ after, lines }: Segment): { seq: number; hash: string } {
  return lines.at(-1) ?? after
}

/** The further of two announced heads: a repeated old request takes nothing back. */
export function furtherHead(known: HubStream | undefined, announced: Head): Head {
  return known?.announced && known.announced.seq >= announced.seq ? known.announced : announced
}
