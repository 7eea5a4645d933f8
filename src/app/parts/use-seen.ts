import { useEffect, useRef } from 'preact/hooks'
import { useApp } from '../context.ts'
import type { Route } from '../routes.ts'

/** From one of these to another nobody has finished looking: in the middle of a batch one photo is opened, and gone back from. */
const LOOKING: readonly Route['screen'][] = ['answer', 'batch']

/**
 * The photos of these records are on screen. They may be sent once the person has gone on, and has not taken them away:
 * not by a clock, nor while the phone is put aside for a moment.
 */
export function useSeen(ids: readonly string[]): void {
  const { kit, navigation } = useApp()
  const latest = useRef(ids)
  latest.current = ids
  useEffect(() => {
    // It outlives this screen: another one of those may follow. Called back at once, while this one is there.
    const stop = navigation.route.subscribe(({ screen }) => {
      if (LOOKING.includes(screen)) return
      queueMicrotask(() => stop())
      // What cannot be written now waits for the next look, or goes by itself.
      kit.records.seen(latest.current).catch(() => undefined)
    })
  }, [])
}
