import { whenCalm } from '../client/calm.ts'
import type { Circumstances, Kit } from '../client/kit.ts'
import { createSignal, type Signal } from '../client/signal.ts'
import { createOnce } from '../lib/memo.ts'
import { GIVEN } from '../protocol/service-worker.ts'
import type { App } from './context.ts'
import type { Texts } from './language.ts'
import { type Attempts, createAttempts } from './state/attempt.ts'
import { createDraftStore } from './state/draft.ts'
import { closeWhenAway, createGate } from './state/gate.ts'
import { giveFiles } from './state/give.ts'
import type { Handed } from './state/handed.ts'
import type { InstallOffer } from './state/install-offer.ts'
import type { LastTime } from './state/last-time.ts'
import { createNavigation } from './state/navigation.ts'
import { type Connection, onOtherNetwork } from './state/networks.ts'
import { createPacks } from './state/packs.ts'
import type { PreferenceStore } from './state/preferences.ts'
import { createRecords } from './state/records.ts'

export interface AppOptions {
  kit: Kit
  preferences: PreferenceStore
  texts: Texts
  lastTime: LastTime
  installOffer: InstallOffer
  /** See `App.announce`. */
  announce(text: string): void
}

export interface MadeApp {
  app: App
  /** Resolves when the first screen can be drawn. */
  ready: Promise<unknown>
  /** Resolves when it is known who may look, and the newest records were read. */
  read: Promise<unknown>
  /** To be called when the first screen has been drawn: what is done behind it. */
  begin(): void
}

/** All that screens share, on a kit whose database may still be opening. */
export function createApp({ kit, preferences, texts, lastTime, installOffer, announce }: AppOptions): MadeApp {
  const navigation = createNavigation(window)
  const person = createSignal(preferences.value.value.person)
  preferences.value.subscribe((chosen) => person.set(chosen.person))
  const atHome = navigation.route.value.screen === 'home' && person.value === undefined
  const home = atHome && lastTime.offers() ? lastTime.home() : undefined
  const gate = createGate({ kit, preferences, lastTime })
  const shut = gate.close()
  const records = createRecords(kit, person, home?.answers)
  // Both from the same disk: what is drawn once is drawn in the time of one.
  const read = Promise.all([shut, records.first]).then(() => {
    closeWhenAway(gate, document)
    const answers = records.some.value === true
    lastTime.keepHome(gate.closed.value || person.value !== undefined ? undefined : { answers })
  })
  const ready = home ? Promise.resolve() : read
  const root = (): Promise<FileSystemDirectoryHandle> => navigator.storage.getDirectory()
  const places = createOnce(async () => (await import('./state/place.ts')).createPlaces(navigator.geolocation))
  async function circumstances(): Promise<Circumstances> {
    const { person, place: wanted } = preferences.value.value
    const place = wanted ? await (await places()).now() : undefined
    return { ...(person !== undefined && { actor: person }), ...(place && { place }) }
  }
  const mayKeep = (pack: string): boolean => !packs.offers.value?.find(({ name }) => name === pack)?.finder
  const attempts = createAttempts({
    kit,
    navigation,
    drafts: createDraftStore(root),
    circumstances,
    mayKeep,
    // Of another engine even the start is megabytes, and seconds, for somebody who may only look at the history.
    onAnswered({ name, backend }) {
      lastTime.keepAnswers()
      lastTime.keepPack(backend.startsWith('nano') ? name : undefined)
    },
  })
  const expected = lastTime.pack()
  if (expected !== undefined) attempts.expect(expected)
  const waiting = createStoredCount('jiko-batch', localStorage)
  const batches = createOnce(async () => {
    const [{ createBatches }, { createBatchStore }] = await Promise.all([
      import('./state/batch.ts'),
      import('./state/batch-store.ts'),
    ])
    const made = createBatches({
      kit,
      store: createBatchStore(root),
      circumstances,
      mayKeep,
      onWaiting: waiting.set,
    })
    await made.restore()
    return made
  })
  const packs = createPacks(kit, attempts.forget, lastTime)
  // A download that gave up for want of a network, or of a free one, goes on when there is one.
  const whenOther = (listener: () => void): void =>
    onOtherNetwork(window, (navigator as { connection?: Connection }).connection, listener)
  whenOther(() => void packs.resume())
  const clips = createOnce(async () =>
    (await import('./clips/clips.ts')).openClips(kit, packs, preferences, whenOther, announce),
  )
  // The system keeps what it hands over until somebody asks: that can wait for a file of its own.
  const handed = createSignal<Handed | undefined>(undefined)
  const given = location.search === GIVEN
  const begun = given ? shut : whenCalm()
  void begun.then(() =>
    packs.offers.subscribe((offers) => {
      if (offers?.some(({ recorded }) => recorded)) clips().catch(() => undefined)
    }),
  )
  begun
    .then(() => import('./as-installed.ts'))
    .then(
      ({ badgeUnsent, createTake, takeFiles }) => {
        badgeUnsent(kit.sync.status, navigator)
        takeFiles({
          pack(file, now) {
            if (now || given) navigation.go({ screen: 'packs' })
            return packs.importFile(file)
          },
          media: createTake({
            ask: (pack, files) => giveFiles({ attempts, batches, navigation }, pack, files),
            offers: packs.offers,
            closed: gate.closed,
            atOnce: given,
            waiting: handed,
          }),
        })
      },
      () => undefined,
    )
  const app: App = {
    kit,
    navigation,
    preferences,
    texts,
    packs,
    attempts,
    gate,
    batches,
    clips,
    handed,
    waiting,
    places,
    circumstances,
    installOffer,
    announce,
    records,
  }
  function begin(): void {
    // Who gives a photo at once waits for nothing but its answer.
    void withoutWork(attempts.current).then(packs.start)
    void attempts.restore()
  }
  return { app, ready, read, begin }
}

/** Resolves when nobody waits for an answer. */
const withoutWork = (attempt: Attempts['current']): Promise<void> =>
  new Promise((done) => {
    const stop = attempt.subscribe(({ state }) => {
      if (state === 'working') return
      done()
      // Called back at once, too: before there is anything to stop.
      queueMicrotask(() => stop())
    })
  })

/** A number that outlives the page, where the phone lets it. */
function createStoredCount(key: string, storage: Storage): Signal<number> & { set(count: number): void } {
  const count = createSignal(Number(storage.getItem(key) ?? 0))
  return {
    ...count,
    get value() {
      return count.value
    },
    set(next) {
      count.set(next)
      try {
        if (next > 0) storage.setItem(key, String(next))
        else storage.removeItem(key)
      } catch {
        // A full or forbidden storage: then nobody is asked about it at the next start.
      }
    },
  }
}
