// First: while it starts all else is evaluated.
import './worker-ahead.ts'
import { startKit } from '../../../src/client/open-kit.ts'
import type { ResultBody } from '../../../src/protocol/record.ts'
import type { Answer } from '../../../src/protocol/task.ts'
import type { PackStatus } from '../../../src/protocol/worker.ts'
import { startWorker } from './worker-ahead.ts'

declare const __TRUSTED_KEYS__: readonly string[]
declare const __ORT_BASE__: string

const eager = new URLSearchParams(location.search).get('eager')

/**
 * A page of a developer: nothing but the kit, called by the test that opens it. Bytes cross as Base64. `?eager=` names the
 * pack that is likely to be asked; then nothing waits for the database but what needs it.
 */
const { kit, opened } = startKit({
  trustedKeys: __TRUSTED_KEYS__,
  runtime: __ORT_BASE__,
  startWorker,
  ...(eager !== null && { eager }),
})

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))

async function base64Of(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

export interface Asked {
  id: string
  answer: Answer
  backend: string
  body: ResultBody
  /** Bytes of what the record keeps, by role. */
  kept: Record<string, number>
}

const page = {
  install: async (name: string): Promise<string> => (await kit.packs.install(`/packs/${name}/`)).state,
  /** From the first of several addresses that works; rejections cross as their codes. */
  installFrom: (
    urls: readonly string[],
  ): Promise<Pick<PackStatus, 'state' | 'version' | 'finder'> | { code: string }> =>
    kit.packs.install(urls).then(
      ({ state, version, finder }) => ({ state, version, ...(finder && { finder }) }),
      (error) => ({ code: String((error as { code?: string }).code ?? error) }),
    ),
  /** Rejections cross as their codes. */
  async ask(name: string, given: { text?: string; base64?: string; type?: string }): Promise<Asked | { code: string }> {
    try {
      const pack = await kit.open(name)
      const input =
        given.base64 === undefined ? (given.text ?? '') : new Blob([bytesOf(given.base64)], { type: given.type ?? '' })
      const { answer, record } = await pack.run(input)
      const kept: Record<string, number> = {}
      for (const { role, sha256 } of record.body.attachments)
        kept[role] = (await kit.records.attachment(sha256))?.size ?? 0
      return { id: record.id, answer, backend: pack.backend, body: record.body, kept }
    } catch (error) {
      return { code: String((error as { code?: string }).code ?? error) }
    }
  },
  /** Nothing but the answer about a photo, kept in the records, the shortest way; says what gave it. */
  answer: async (name: string, photo: Blob): Promise<string> => (await kit.opening(name).run(photo)).pack.backend,
  /** An attachment of a record. */
  async attachment(sha256: string): Promise<string | undefined> {
    const file = await kit.records.attachment(sha256)
    return file && base64Of(file)
  },
  /** SHA-256 of every attachment in the database, whoever names it. */
  stored: (): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const opening = indexedDB.open('jiko')
      opening.onerror = () => reject(opening.error)
      opening.onsuccess = () => {
        const asking = opening.result.transaction('attachments').objectStore('attachments').getAllKeys()
        asking.onerror = () => reject(asking.error)
        asking.onsuccess = () => {
          opening.result.close()
          resolve(asking.result.map(String))
        }
      }
    }),
  async removePhoto(id: string): Promise<Pick<Asked, 'id' | 'body'>> {
    const next = await kit.records.removePhoto(id)
    const entry = (await kit.records.list({ limit: 1000 })).find((one) => one.id === next)
    if (!entry) throw new Error(`there is no ${next}`)
    return { id: next, body: entry.body }
  },
  hideFaces: (
    finder: string,
    given: { base64: string; type: string },
  ): Promise<{ hidden: number; base64: string } | { code: string }> =>
    kit.hideFaces(finder, new Blob([bytesOf(given.base64)], { type: given.type })).then(
      async ({ hidden, photo }) => ({ hidden, base64: await base64Of(photo) }),
      (error) => ({ code: String((error as { code?: string }).code ?? error) }),
    ),
  remove: (name: string): Promise<void> => kit.packs.remove(name),
  finders: async () => Object.fromEntries((await kit.packs.list()).map(({ name, finder }) => [name, finder])),
  /** What is said while text is written. */
  async write(name: string, prompt: string, seed?: number): Promise<{ heard: string[]; text: string }> {
    const heard: string[] = []
    const pack = await kit.open(name)
    const { answer } = await pack.run(prompt, {
      onText: (text) => void heard.push(text),
      ...(seed !== undefined && { seed }),
    })
    return { heard, text: answer.kind === 'text' ? answer.text : '' }
  },
  /** Stops a request after so many milliseconds: how long until the caller knows, and until the worker answers another call. */
  async cancel(
    name: string,
    given: { base64: string; type: string },
    after: number,
  ): Promise<{ told: number; free: number }> {
    const pack = await kit.open(name)
    const controller = new AbortController()
    const photo = new Blob([bytesOf(given.base64)], { type: given.type })
    const running = pack.run(photo, { signal: controller.signal }).then(
      () => performance.now(),
      () => performance.now(),
    )
    await new Promise((done) => setTimeout(done, after))
    const aborted = performance.now()
    controller.abort()
    const told = Math.max(0, (await running) - aborted)
    await kit.device.report()
    return { told, free: performance.now() - aborted }
  },
  /** Milliseconds until the worker has answered a call, and then until a photo has its answer. */
  async time(name: string, given: { base64: string; type: string }): Promise<{ call: number; answer: number }> {
    const begun = performance.now()
    await kit.device.report()
    const call = performance.now() - begun
    const pack = await kit.open(name)
    await pack.run(new Blob([bytesOf(given.base64)], { type: given.type }))
    return { call, answer: performance.now() - begun }
  },
  device: () => kit.device.report(),
  measureAgain: () => kit.device.measureAgain(),
  records: async (): Promise<number> => (await kit.records.list({ limit: 1000 })).length,
}
export type KitPage = typeof page

// Else tests would ask before they know whether it could be opened.
if (eager === null) opened.then(() => Object.assign(globalThis, { page }))
else Object.assign(globalThis, { page })
