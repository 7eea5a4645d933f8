import { createOnce } from '../lib/memo.ts'
import type { LinkFacts } from '../packs/cost.ts'
import { listEvicted } from '../packs/evicted.ts'
import { firstIsWorthIt } from '../packs/first-answer.ts'
import type { HandedOver, InstallerDeps } from '../packs/install.ts'
import { type ChooseLater, missingBytes } from '../packs/layout.ts'
import { type NoteStore, previousKey } from '../packs/notes.ts'
import { type OpenedPack, openPack } from '../packs/open.ts'
import { listInstalled, listPending } from '../packs/status.ts'
import type { PackStore } from '../packs/store.ts'
import { JikoError } from '../protocol/error.ts'
import { featuresOf } from '../protocol/features.ts'
import { asVariant, type Manifest, neededPaths } from '../protocol/manifest.ts'
import { isRecorded } from '../protocol/recorded.ts'
import type { InstalledPack, PackStatus, PendingPack } from '../protocol/worker.ts'
import type { Backend, Session } from '../runtime/backend.ts'
import { memoryNeed } from '../runtime/memory.ts'
import type { OpenedSession } from '../runtime/open-session.ts'
import type { Looking } from '../tasks/look.ts'
import type { Task } from '../tasks/table.ts'
import type { Operation } from './operation.ts'
import { createProved } from './proved.ts'
import { type Choice, createVerdicts, type Verdicts } from './verdicts.ts'

export interface PackRoomDeps extends Omit<InstallerDeps, 'choose' | 'chooseAll' | 'chooseFirst' | 'verifyInstalled'> {
  store: PackStore & NoteStore
  backends: readonly Backend[]
  /** What is known about the link, to choose by. */
  link?: () => LinkFacts
  /** Names the code that runs packs, the browser's too: what was proved with other code is proved anew. */
  code: string
  /** Bytes of memory that models may take on a device like this. */
  usualLimit?: number
  /** Whether trying a backend would fetch nothing that costs money. */
  isFree?: (backend: Backend) => Promise<boolean>
  /** Milliseconds of a clock that never goes back. */
  now?: () => number
}

export interface LoadedPack extends OpenedSession {
  /** As the variant that is loaded has it. */
  manifest: Manifest
  digest: string
  task: Task
  /** Gives the vector that classes can be taught from. @throws JikoError `teach/no-features` */
  features(): Promise<Task>
  /** Shows how it writes. @throws JikoError `task/unknown` where it does not */
  looking(): Promise<Looking>
  /** How it came to run here. */
  choice: Choice
}

/** Packs on this device, joined with what this device can run: only the files of the chosen program are fetched. */
export interface PackRoom {
  /** From the first address that works. */
  install(source: string | readonly string[], operation: Operation): Promise<PackStatus>
  /** From a manifest at hand and chunks out of a file. */
  installFrom(handed: HandedOver, operation: Operation): Promise<PackStatus>
  /** The files that this device wants in the end. */
  readonly choose: ChooseLater
  list(): Promise<InstalledPack[]>
  pending(): Promise<PendingPack[]>
  /** Names of those that had to go to make room. */
  evicted(): Promise<string[]>
  /**
   * Loads the best session that an installed pack has all files of. What is damaged is fetched again; a backend that fails is passed over.
   * @param admit makes room for so many bytes of memory, before they are taken.
   */
  load(name: string, operation: Operation, admit?: (bytes: number) => Promise<void>): Promise<LoadedPack>
  /** It failed: the next `load` asks for its golden answers again. */
  doubt(failed: LoadedPack): Promise<void>
  /** Everything that was learned is tried, timed and proved anew. */
  measureAgain(): Promise<void>
  /**
   * After a backend failed in the middle of a request: the next `load` takes another. False when none is here: nobody
   * waits for a download to get an answer that may come without it.
   */
  passOver(failed: LoadedPack, reason: string): Promise<boolean>
  /**
   * Times every way of running what is loaded for which nothing must be fetched that costs money, once. True when another
   * is faster: the next `load` takes it.
   * @param inTurn runs what would be disturbed by, and would disturb, the answers of people.
   */
  measure(loaded: LoadedPack, inTurn: <T>(work: () => Promise<T>) => Promise<T>): Promise<boolean>
  /** What the device learned, and how it will choose. */
  readonly verdicts: Verdicts
  /** Whether every file of a way is here. */
  isHere(manifest: Manifest, choice: Choice): Promise<boolean>
  /** It has answered: the version before it is not needed any more. */
  settle(name: string): Promise<void>
  /** Nothing here can make it answer: the version before it comes back. False when there is none. */
  rollBack(name: string): Promise<boolean>
  remove(name: string): Promise<void>
  fetchClips(name: string, language: string, url: string, operation: Operation): Promise<void>
}

/** What runs packs, apart from the engines. */
const machinery = () => Promise.all([import('../tasks/table.ts'), import('../runtime/open-session.ts')])

/** The failure behind an error, when it is one that another backend might not have. */
function backendFailure(error: unknown): string | undefined {
  const failure = error instanceof JikoError && error.code === 'pack/failed-check' ? error.cause : error
  return failure instanceof JikoError && failure.code === 'runtime/no-backend' ? failure.message : undefined
}

export async function createPackRoom(deps: PackRoomDeps): Promise<PackRoom> {
  const { store, backends, trusted, link = () => ({}), now = () => performance.now() } = deps
  const { usualLimit = Number.POSITIVE_INFINITY, isFree = async () => true } = deps
  const [verdicts, proved] = await Promise.all([
    createVerdicts({ notes: store, backends, usualLimit }),
    createProved(store, deps.code),
  ])
  const pathsOf = (manifest: Manifest, { variant, program }: Choice): string[] =>
    neededPaths(manifest, variant, program)
  const choose = (manifest: Manifest): string[] => pathsOf(manifest, verdicts.choices(manifest)[0])
  const chooseAll: ChooseLater = async (manifest) =>
    isRecorded(manifest) ? (await import('../packs/clips.ts')).withClips(store, choose)(manifest) : choose(manifest)
  /** What was last checked before its install: whom to pass over when the check failed. */
  let checked: { manifest: Manifest; choice: Choice } | undefined

  function chooseFirst(
    manifest: Manifest,
    here: ReadonlySet<string>,
    held?: ReadonlySet<string>,
  ): string[] | undefined {
    const [best, ...others] = verdicts.choices(manifest)
    // One that needs another runtime would not be the smaller one.
    const quick = others.find(({ variant, program }) => variant.role && program.engine === best.program.engine)
    if (!quick || best.variant.role) return undefined
    const paths = { small: pathsOf(manifest, quick), full: pathsOf(manifest, best) }
    const worthIt = held
      ? missingBytes(manifest, paths.full, new Set([...here, ...held])) > 0
      : firstIsWorthIt(manifest, paths, here, link())
    return worthIt ? paths.small : undefined
  }

  /** The best choice of which everything is here; else the best one, with `whole` false. */
  async function bestHere(
    manifest: Manifest,
    listed = store.listChunks(),
  ): Promise<{ choice: Choice; whole: boolean }> {
    const here = new Set(await listed)
    const choices = verdicts.choices(manifest)
    const whole = choices.find((choice) => missingBytes(manifest, pathsOf(manifest, choice), here) === 0)
    return { choice: whole ?? choices[0], whole: whole !== undefined }
  }

  async function sessionOf(
    { readFile, signed, digest }: OpenedPack,
    choice: Choice,
  ): Promise<Omit<LoadedPack, 'digest'>> {
    const manifest = asVariant(signed.manifest, choice.variant)
    const [{ taskFor }, { openSession }] = await machinery()
    const task = await taskFor(manifest, readFile)
    const features = createOnce(async () => {
      const output = featuresOf(manifest.output)
      if (output) return taskFor({ ...manifest, output }, readFile)
      throw new JikoError('teach/no-features', `nothing can be taught from ${manifest.name}: it shows no vectors`)
    })
    const looking = createOnce(async () => (await import('../tasks/look.ts')).createLooking(manifest, readFile))
    const isProved = proved.has(digest, choice)
    const variant = isProved ? { ...choice.variant, golden: [] } : choice.variant
    const note = proved.notebook()
    const opened = await openSession(variant, manifest, [choice.backend], readFile)
    // What was not asked has proved nothing: everything may have been forgotten meanwhile.
    if (!isProved) await note(digest, choice)
    return {
      ...opened,
      manifest,
      task,
      features,
      looking,
      choice,
    }
  }

  /** Opens another way of running what is loaded; nothing when an update came in between: there is nothing to compare with any more. */
  async function openRival({ manifest, digest }: LoadedPack, way: Choice): Promise<Session | undefined> {
    const pack = await openPack(store, manifest.name, trusted)
    return pack.digest === digest ? (await sessionOf(pack, way)).session : undefined
  }

  async function isHere(manifest: Manifest, choice: Choice): Promise<boolean> {
    return missingBytes(manifest, pathsOf(manifest, choice), new Set(await store.listChunks())) === 0
  }

  // The list of packs is for the first screen; what fetches them, and what runs them, for later.
  const installer = createOnce(async () => {
    const { createInstaller } = await import('../packs/install.ts')
    return createInstaller({
      ...deps,
      choose,
      chooseAll,
      chooseFirst,
      keepPrevious: true,
      async verifyInstalled(pack) {
        const { manifest } = pack.signed
        const { choice } = await bestHere(manifest)
        checked = { manifest, choice }
        const { session } = await sessionOf(pack, choice)
        await session.dispose()
      },
    })
  })

  /** Again with the next program, when a backend could not run the first. */
  async function passingOver<T>(install: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await install()
      } catch (error) {
        const reason = backendFailure(error)
        if (!checked || reason === undefined) throw error
        const { manifest, choice } = checked
        if (!(await verdicts.passOver(manifest, choice, reason))) throw error
        // A smaller variant is in use: no other runtime is fetched to have the full one as well.
        if ((await store.getManifest(manifest.name)) !== undefined && (await bestHere(manifest)).whole) throw error
      }
    }
  }

  return {
    install: (source, operation) => passingOver(async () => (await installer()).install(source, operation)),
    installFrom: (handed, operation) => passingOver(async () => (await installer()).installFrom(handed, operation)),
    choose: chooseAll,
    list: () => listInstalled(store, choose),
    pending: () => listPending(store, chooseAll),
    evicted: () => listEvicted(store),
    async load(name, operation, admit) {
      // What will be needed is fetched while the pack is read.
      machinery().catch(() => undefined)
      for (let repaired = false; ; ) {
        const listed = store.listChunks()
        // Where the pack cannot be opened nobody asks for the list.
        listed.catch(() => undefined)
        const pack = await openPack(store, name, trusted)
        const { manifest } = pack.signed
        verdicts.choices(manifest)[0].backend.prepare?.()
        const before = await bestHere(manifest, listed)
        // Read beside the manifest, the list may be older than that.
        const { choice } = before.whole ? before : await bestHere(manifest)
        const note = verdicts.notebook()
        try {
          await admit?.(memoryNeed(manifest, choice.program))
          return { ...(await sessionOf(pack, choice)), digest: pack.digest }
        } catch (error) {
          const reason = backendFailure(error)
          const damaged = error instanceof JikoError && error.code === 'pack/damaged'
          if (reason === undefined ? !damaged || repaired : !(await verdicts.passOver(manifest, choice, reason, note)))
            throw error
          const next = await bestHere(manifest)
          if (next.whole) continue
          if (operation.here) throw error
          repaired ||= damaged
          await (await installer()).repair(name, { ...operation, paths: pathsOf(manifest, next.choice) })
        }
      }
    },
    doubt: ({ digest, choice }) => proved.remove(digest, choice),
    async measureAgain() {
      // Both at once: what is opened in between asks for everything anew.
      await Promise.all([verdicts.forgetAll(), proved.forgetAll()])
    },
    async passOver({ manifest, choice }, reason) {
      for (const other of verdicts.choices(manifest)) {
        if (other.backend !== choice.backend && (await isHere(manifest, other)))
          return verdicts.passOver(manifest, choice, reason)
      }
      return false
    },
    async measure(loaded, inTurn) {
      const { manifest, choice } = loaded
      const { race } = await import('./race.ts')
      const openWay = (way: Choice) => openRival(loaded, way)
      await race(loaded, { verdicts, isHere, isFree, openRival: openWay, inTurn, now })
      const best = (await bestHere(manifest)).choice
      return best.variant.name === choice.variant.name && best.backend !== choice.backend
    },
    verdicts,
    isHere,
    async settle(name) {
      if ((await store.getNote(previousKey(name))) !== undefined) await (await installer()).settle(name)
    },
    rollBack: async (name) => (await installer()).rollBack(name),
    remove: async (name) => (await installer()).remove(name),
    fetchClips: async (...args) => (await installer()).fetchClips(...args),
  }
}
