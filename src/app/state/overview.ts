import type { HistoryEntry, Place } from '../../client/kit.ts'
import { dayOf } from './find.ts'

export interface DayCount {
  /** Start of the day, ms since 1970. */
  wall: number
  sure: number
  unsure: number
}

/** The last `days` days, oldest first, today among them; days without an answer too. */
export function countByDay(
  entries: Iterable<{ wall: number; sure: boolean }>,
  now: number,
  days: number,
): readonly DayCount[] {
  const today = new Date(now)
  const counts = Array.from({ length: days }, (_, i) => ({
    wall: new Date(today.getFullYear(), today.getMonth(), today.getDate() - (days - 1 - i)).getTime(),
    sure: 0,
    unsure: 0,
  }))
  const byDay = new Map(counts.map((count) => [dayOf(count.wall), count]))
  for (const { wall, sure } of entries) {
    const count = byDay.get(dayOf(wall))
    if (count) count[sure ? 'sure' : 'unsure'] += 1
  }
  return counts
}

export interface MapPoint {
  /** 0-1 from the left and from the top. */
  x: number
  y: number
  count: number
}

export interface PlaceMap {
  points: readonly MapPoint[]
  /** Metres that the whole width stands for. */
  metres: number
}

const METRES_A_DEGREE = 111_320
/** Nearer than this a phone cannot tell places apart: the map shows no less. */
const LEAST_METRES = 200
/** Cells a side; points of one cell are one circle. */
const CELLS = 24

/**
 * A map of nothing but points: flat, true near the equator and over a district. Places that lie close together are one
 * point with a count.
 */
export function layOutPlaces(places: readonly Place[]): PlaceMap | undefined {
  const [first] = places
  if (!first) return undefined
  // East of the first one, the short way round: a district may lie on the date line.
  const east = (longitude: number): number => ((longitude - first.longitude + 540) % 360) - 180
  const squeeze = Math.max(0.01, Math.cos((first.latitude * Math.PI) / 180))
  const flat = places.map(({ latitude, longitude }) => ({
    x: east(longitude) * METRES_A_DEGREE * squeeze,
    y: -latitude * METRES_A_DEGREE,
  }))
  const middleOf = (values: readonly number[]): { middle: number; span: number } => {
    const least = values.reduce((a, b) => Math.min(a, b))
    const most = values.reduce((a, b) => Math.max(a, b))
    return { middle: (least + most) / 2, span: most - least }
  }
  const across = middleOf(flat.map(({ x }) => x))
  const down = middleOf(flat.map(({ y }) => y))
  const metres = Math.max(LEAST_METRES, across.span, down.span) * 1.25
  const cells = new Map<string, MapPoint>()
  for (const { x, y } of flat) {
    const point = { x: 0.5 + (x - across.middle) / metres, y: 0.5 + (y - down.middle) / metres, count: 1 }
    const cell = `${Math.floor(point.x * CELLS)} ${Math.floor(point.y * CELLS)}`
    const before = cells.get(cell)
    if (before) before.count += 1
    else cells.set(cell, point)
  }
  return { points: [...cells.values()], metres }
}

/** The longest round length (1, 2, 5, 10 …) that fits into a third of the map: what its scale says. */
export function roundLength(metres: number): number {
  const most = metres / 3
  const power = 10 ** Math.floor(Math.log10(most))
  return [5, 2, 1].map((factor) => factor * power).find((length) => length <= most) ?? power
}

export interface Overview {
  days: readonly DayCount[]
  places: PlaceMap | undefined
}

const DAYS = 14
/** Older ones are on no picture: thousands of lines would be read for it. */
const MOST = 3000

/** @param sureOf whether a person may rely on it */
export async function overviewOf(
  pages: AsyncIterable<readonly HistoryEntry[]>,
  now: number,
  sureOf: (entry: HistoryEntry) => boolean,
): Promise<Overview> {
  const seen: { wall: number; sure: boolean }[] = []
  const places: Place[] = []
  for await (const page of pages) {
    for (const entry of page) {
      seen.push({ wall: entry.body.at.wall, sure: sureOf(entry) })
      if (entry.body.place) places.push(entry.body.place)
    }
    if (seen.length >= MOST) break
  }
  return { days: countByDay(seen, now, DAYS), places: layOutPlaces(places) }
}
