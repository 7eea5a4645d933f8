import type { Manifest } from '../protocol/manifest.ts'
import { type ChooseLater, missingBytes, pathsOf } from './layout.ts'
import type { PackStore } from './store.ts'

/** What is known about the link: measured by us, or said by `navigator.connection` where that exists. */
export interface LinkFacts {
  /** Bytes a second as last measured; believed before what the browser says. */
  bytesPerSecond?: number
  /** Mbit/s, `navigator.connection.downlink`. */
  downlink?: number
  /** Milliseconds, `navigator.connection.rtt`. */
  rtt?: number
  effectiveType?: string
  /** `navigator.connection.type`: `cellular`, `wifi`, ... */
  type?: string
  saveData?: boolean
}

export interface Cost {
  /** Bytes still to fetch, and bytes of all that this device needs of the pack. */
  bytes: number
  total: number
  /** Seconds on this link; undefined when nothing is known about it. */
  seconds?: number
  /** Bytes that the browser would still take; undefined when it does not say. */
  free?: number
  /** False when the browser's own figures say that it cannot fit. */
  fits: boolean
}

/** Bytes a second that the classes of `effectiveType` begin with, so that the time is rather too long than too short. */
const CLASSES: Readonly<Record<string, number>> = { 'slow-2g': 3000, '2g': 6000, '3g': 40_000, '4g': 90_000 }
/** Cache entries cost more than their bodies. */
const OVERHEAD = 1.1

/** What it will cost to install or update a pack, before a byte of it is fetched. */
export async function costOf(
  manifest: Manifest,
  {
    store,
    choose = pathsOf,
    link = {},
    estimate,
  }: {
    store: Pick<PackStore, 'listChunks'>
    choose?: ChooseLater
    link?: LinkFacts
    estimate?: () => Promise<{ usage?: number; quota?: number }>
  },
): Promise<Cost> {
  const paths = await choose(manifest)
  const total = missingBytes(manifest, paths, new Set())
  const bytes = missingBytes(manifest, paths, new Set(await store.listChunks()))
  const seconds = secondsFor(bytes, link)
  const free = await freeRoom(estimate)
  return {
    bytes,
    total,
    ...(seconds !== undefined && { seconds }),
    ...(free !== undefined && { free }),
    fits: free === undefined || bytes * OVERHEAD <= free,
  }
}

/** Seconds that so many bytes take, one request's delay included; undefined when nothing is known about the link. */
export function secondsFor(bytes: number, link: LinkFacts): number | undefined {
  if (bytes === 0) return 0
  const rate = rateOf(link)
  return rate ? bytes / rate + (2 * (link.rtt ?? 0)) / 1000 : undefined
}

/** Bytes a second of this link: as measured, or else as the browser says. */
export const rateOf = ({ bytesPerSecond, downlink, effectiveType }: LinkFacts): number | undefined =>
  bytesPerSecond || (downlink ? downlink * 125_000 : CLASSES[effectiveType ?? ''])

/** Bytes that the browser would still take; undefined when it does not say. */
export async function freeRoom(
  estimate: (() => Promise<{ usage?: number; quota?: number }>) | undefined,
): Promise<number | undefined> {
  const { usage = 0, quota } = (await estimate?.().catch(() => undefined)) ?? {}
  return quota === undefined ? undefined : Math.max(0, quota - usage)
}
