import { createOnce } from '../lib/memo.ts'

/** Milliseconds after the page has loaded in which whoever opened it has the phone for themselves. */
const FIRST = 2000

/** What browsers without `requestIdleCallback` wait instead. */
const IDLE = 200

const idle = (done: () => void): void => {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(done, { timeout: FIRST })
  else setTimeout(done, IDLE)
}

/** Resolves when the browser has nothing better to do. */
export const whenIdle = (): Promise<void> => new Promise(idle)

const loaded = createOnce(async () => {
  if (document.readyState !== 'complete')
    await new Promise((done) => window.addEventListener('load', done, { once: true }))
  await new Promise((done) => setTimeout(done, FIRST))
})

/** Resolves when the start of the page is over and the browser has nothing better to do: for work that nobody waits for. */
export async function whenCalm(): Promise<void> {
  await loaded()
  await whenIdle()
}
