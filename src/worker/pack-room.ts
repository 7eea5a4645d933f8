import { createInstaller, type InstallerDeps, type Obtain } from '../packs/install.ts'
import type { NoteStore } from '../packs/notes.ts'
import { type OpenedPack, openPack } from '../packs/open.ts'
import { listInstalled, listPending } from '../packs/status.ts'
import type { PackStore } from '../packs/store.ts'
import { JikoError } from '../protocol/error.ts'
import { type Manifest, programPaths } from '../protocol/manifest.ts'
import type { InstalledPack, PackStatus, PendingPack } from '../protocol/worker.ts'
import type { Backend } from '../runtime/backend.ts'
import { type OpenedSession, openSession } from '../runtime/open-session.ts'
import { taskFor } from '../tasks/table.ts'
import type { Operation } from './operation.ts'
import { createVerdicts } from './verdicts.ts'

export interface PackRoomDeps extends Omit<InstallerDeps, 'choose' | 'verifyInstalled'> {
  store: PackStore & NoteStore
  backends: readonly Backend[]
}

export interface LoadedPack extends OpenedSession {
  manifest: Manifest
  digest: string
}

/** Packs on this device, joined with what this device can run: only the files of the chosen program are fetched. */
export interface PackRoom {
  install(manifestUrl: string, operation: Operation): Promise<PackStatus>
  /** From a manifest at hand and chunks out of a file. */
  installFrom(text: string, obtain: Obtain, operation: Operation): Promise<PackStatus>
  /** The files that this device needs. */
  choose(manifest: Manifest): string[]
  list(): Promise<InstalledPack[]>
  pending(): Promise<PendingPack[]>
  /** Loads the session of an installed pack. What is damaged is fetched again; a backend that fails is passed over. */
  load(name: string, operation: Operation): Promise<LoadedPack>
  remove(name: string): Promise<void>
}

/** The failure behind an error, when it is one that another backend might not have. */
function backendFailure(error: unknown): string | undefined {
  const failure = error instanceof JikoError && error.code === 'pack/failed-check' ? error.cause : error
  return failure instanceof JikoError && failure.code === 'runtime/no-backend' ? failure.message : undefined
}

export async function createPackRoom(deps: PackRoomDeps): Promise<PackRoom> {
  const { store, backends, trusted } = deps
  const verdicts = await createVerdicts(store, backends)
  const choose = (manifest: Manifest): string[] => programPaths(verdicts.choose(manifest).program)
  /** Of the pack that was last checked before its install: whom to pass over when the check failed. */
  let checked: Manifest | undefined

  async function sessionOf({ signed: { manifest }, readFile }: OpenedPack): Promise<OpenedSession> {
    taskFor(manifest.task)
    const { variant, backends: usable } = verdicts.choose(manifest)
    return openSession(variant, manifest.input, usable, readFile)
  }

  const installer = createInstaller({
    ...deps,
    choose,
    async verifyInstalled(pack) {
      checked = pack.signed.manifest
      const { session } = await sessionOf(pack)
      await session.dispose()
    },
  })

  /** Again with the next program, when a backend could not run the first. */
  async function passingOver<T>(install: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await install()
      } catch (error) {
        const reason = backendFailure(error)
        if (!checked || reason === undefined || !(await verdicts.passOver(checked, reason))) throw error
      }
    }
  }

  return {
    install: (manifestUrl, operation) => passingOver(() => installer.install(manifestUrl, operation)),
    installFrom: (text, obtain, operation) => passingOver(() => installer.installFrom(text, [], obtain, operation)),
    choose,
    list: () => listInstalled(store, choose),
    pending: () => listPending(store, choose),
    async load(name, operation) {
      for (let repaired = false; ; ) {
        const pack = await openPack(store, name, trusted)
        const { manifest } = pack.signed
        try {
          return { ...(await sessionOf(pack)), manifest, digest: pack.digest }
        } catch (error) {
          const reason = backendFailure(error)
          if (reason !== undefined && (await verdicts.passOver(manifest, reason))) {
            await installer.repair(name, operation)
          } else if (error instanceof JikoError && error.code === 'pack/damaged' && !repaired) {
            repaired = true
            await installer.repair(name, operation)
          } else throw error
        }
      }
    },
    remove: (name) => installer.remove(name),
  }
}
