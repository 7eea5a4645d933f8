import { isAbort } from '../lib/abort.ts'
import { JikoError } from '../protocol/error.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { PackStatus } from '../protocol/worker.ts'
import { collect, removePack } from './collect.ts'
import { type CheckedManifest, checkManifest, checkSuccessor, manifestUrl, type TrustedKeys } from './fetch-manifest.ts'
import { findManifest } from './find-manifest.ts'
import { type Choose, type ChooseLater, chunksOf, missingBytes, pathsOf } from './layout.ts'
import { PACKS_LOCK, type RunExclusive } from './locks.ts'
import { previousKey, refusedKey, tableKey, unspokenKey } from './notes.ts'
import { fromMirrors, linkFor, type Obtain, type ObtainDeps, type Operation, withRoom } from './obtain.ts'
import { findDamage, type OpenedPack, openPack, readerOf } from './open.ts'
import { createOrigins } from './origins.ts'
import { readable, statusOf } from './status.ts'

export interface InstallerDeps extends ObtainDeps {
  exclusive: RunExclusive
  trusted: TrustedKeys
  /** The files that this device needs now; the rest can come later by `fetchFiles`. */
  choose?: Choose
  /** Those, and what should come along without being needed: recordings. */
  chooseAll?: ChooseLater
  /**
   * The files of a smaller variant, when those should come first. `here` are the hashes of what is here, `held` of what
   * else can be had: of all of the pack when left out.
   */
  chooseFirst?: (
    manifest: Manifest,
    here: ReadonlySet<string>,
    held?: ReadonlySet<string>,
  ) => readonly string[] | undefined
  /** Runs the golden inputs on the complete but not yet installed pack; rejects when the answers are wrong. */
  verifyInstalled?: (pack: OpenedPack, operation: Operation) => Promise<void>
  /** After an update, keeps the version before until `settle` or `rollBack`. */
  keepPrevious?: boolean
  now?: () => number
}

/** A pack that somebody handed over. */
export interface HandedOver {
  /** The manifest file. */
  text: string
  obtain: Obtain
  /** Hashes of the chunks that can be had. */
  held: ReadonlySet<string>
}

/** Times that a pack may be replaced on the server while it is being fetched. */
const CHANGES = 3

export function createInstaller(deps: InstallerDeps) {
  const {
    store,
    exclusive,
    trusted,
    verifyInstalled,
    keepPrevious,
    now = Date.now,
    choose = pathsOf,
    chooseAll = choose,
    chooseFirst,
  } = deps
  const origins = createOrigins(store)

  const here = async (): Promise<ReadonlySet<string>> => new Set(await store.listChunks())

  const mirrored = (urls: readonly string[]): Obtain => withRoom(fromMirrors(urls, deps), deps)

  async function fetchFirst(urls: readonly string[], { signal, onProgress }: Operation): Promise<CheckedManifest> {
    onProgress?.({ phase: 'manifest', done: 0, total: 1 })
    const checked = await findManifest(urls, linkFor('', deps), trusted, signal)
    onProgress?.({ phase: 'manifest', done: 1, total: 1 })
    return checked
  }

  /** Whoever goes on or updates by the first address means the other ones too that it was installed with. */
  async function withMirrors(urls: readonly string[]): Promise<readonly string[]> {
    for (const name of [...(await store.listPending()), ...(await store.listManifests())]) {
      const all = await origins.mirrors(name, urls)
      if (all.length > urls.length) return all
    }
    return urls
  }

  /** What a kill or a pause left behind, so that a restart needs no network to know what it was doing. */
  async function pendingOf(urls: readonly string[]): Promise<CheckedManifest | undefined> {
    for (const name of await store.listPending()) {
      const pending = await store.getPending(name)
      if (!pending || pending.url !== manifestUrl(urls[0] ?? '')) continue
      try {
        return await checkManifest(pending.text, trusted)
      } catch (error) {
        if (!(error instanceof JikoError)) throw error
        await store.deletePending(name)
      }
    }
    return undefined
  }

  /** From a checked manifest to an installed pack. Only under the packs lock; every step can be repeated after a kill. */
  async function complete(
    checked: CheckedManifest,
    urls: readonly string[],
    obtain: Obtain,
    operation: Operation,
    held?: ReadonlySet<string>,
  ): Promise<PackStatus> {
    const { signed, text, digest } = checked
    const { manifest } = signed
    const { name } = manifest
    const old = readable(await store.getManifest(name))
    if (old) checkSuccessor(old, signed)
    const again = old?.line === signed.line
    const before = await here()
    // A file has what it has.
    const full = await (held ? choose : chooseAll)(manifest)
    // Somebody who has a version already can use that meanwhile.
    const wanted = chunksOf(manifest, (!old && chooseFirst?.(manifest, before, held)) || full)
    const growing = again && missingBytes(manifest, full, before) > 0
    if (!again) {
      await origins.started(name, urls)
      await store.putPending(name, { url: manifestUrl(urls[0] ?? ''), text })
    }
    await obtain(checked, wanted, operation)
    if (!again || growing) {
      await check(checked, wanted, obtain, operation)
      operation.signal?.throwIfAborted()
    }
    await origins.installed(name, { urls, at: now(), digest })
    // The one put that makes it the installed version: before it the old one is whole, after it the new one is.
    if (old && !again && keepPrevious) await keep(name)
    if (!again) await store.putManifest(name, text)
    // A smaller variant can be used from now on; that the full one is still to come stays written down.
    if (missingBytes(manifest, full, await here()) === 0) await store.deletePending(name)
    if (old) await store.deleteNote(tableKey(name))
    await collect(store)
    return statusOf(store, name, choose)
  }

  /** Of several updates one after the other, the version that has answered is the one worth keeping. */
  async function keep(name: string): Promise<void> {
    const here = await store.getManifest(name)
    if (here !== undefined && (await store.getNote(previousKey(name))) === undefined) {
      await store.putNote(previousKey(name), here)
    }
  }

  /** Golden inputs before the swap. A wrong answer takes the candidate away and leaves the old version as it was. */
  async function check(
    checked: CheckedManifest,
    wanted: readonly number[],
    obtain: Obtain,
    operation: Operation,
  ): Promise<void> {
    if (!verifyInstalled) return
    const { signed, digest } = checked
    const { name, version } = signed.manifest
    const candidate = readerOf(store, signed, digest)
    try {
      try {
        await verifyInstalled(candidate, operation)
      } catch (error) {
        if (!(error instanceof JikoError) || error.code !== 'pack/damaged') throw error
        await obtain(checked, wanted, operation)
        await verifyInstalled(candidate, operation)
      }
    } catch (cause) {
      if (isAbort(cause) || operation.signal?.aborted) throw cause
      if (cause instanceof JikoError && KEEPS_PENDING.test(cause.code)) throw cause
      await store.putNote(refusedKey(name), digest)
      await store.deletePending(name)
      await collect(store)
      throw new JikoError(
        'pack/failed-check',
        `${name} ${version} did not pass its check on this device and was not installed: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause, detail: { name, version, digest } },
      )
    }
  }

  /** Another tab finished the very same while this one waited for the lock. */
  async function installedSince(urls: readonly string[], asked: number): Promise<PackStatus | undefined> {
    for (const name of await store.listManifests()) {
      const origin = await origins.origin(name)
      if (origin && origin.at > asked && manifestUrl(origin.urls[0] ?? '') === manifestUrl(urls[0] ?? '')) {
        const status = await statusOf(store, name, choose)
        const begun = (await store.getPending(name)) !== undefined
        if (status.digest === origin.digest && (begun || status.have === status.bytes)) return status
      }
    }
    return undefined
  }

  async function installLocked(given: readonly string[], operation: Operation): Promise<PackStatus> {
    const urls = await withMirrors(given)
    let checked = (await pendingOf(urls)) ?? (await fetchFirst(urls, operation))
    for (let changes = 0; ; changes++) {
      try {
        return await complete(checked, urls, mirrored(urls), operation)
      } catch (error) {
        if (!(error instanceof JikoError) || !STALE.has(error.code) || changes >= CHANGES) throw error
        // The blob is not the one of this manifest: perhaps a newer version took its place on the server.
        const fresh = await fetchFirst(urls, operation)
        if (fresh.digest === checked.digest) throw error
        checked = fresh
      }
    }
  }

  async function addressesOf(name: string): Promise<readonly string[]> {
    const urls = (await origins.origin(name))?.urls
    if (urls?.[0]) return urls
    throw new JikoError('pack/no-origin', `It is not known any more where ${name} came from: install it again.`, {
      detail: { name },
    })
  }

  /**
   * Installs or updates from the first address that works, or carries on where a kill or a pause left off. The version
   * that is here stays usable until the new one is complete and has passed its check.
   * @param source address of `manifest.ndjson` or of its folder; several are mirrors, best first. They are remembered:
   * the first alone is enough to go on.
   * @throws JikoError `download/...`, `pack/...`, `storage/quota`; the signal's reason when aborted (a pause).
   */
  function install(source: string | readonly string[], operation: Operation = {}): Promise<PackStatus> {
    const urls = typeof source === 'string' ? [source] : source
    const asked = now()
    return exclusive(
      PACKS_LOCK,
      async () => (await installedSince(urls, asked)) ?? installLocked(urls, operation),
      operation.signal,
    )
  }

  return {
    install,

    /** Installs from a manifest that is at hand and chunks from anywhere: bundle files. */
    installFrom: ({ text, obtain, held }: HandedOver, operation: Operation = {}): Promise<PackStatus> =>
      exclusive(
        PACKS_LOCK,
        async () => {
          const status = await complete(await checkManifest(text, trusted), [], withRoom(obtain, deps), operation, held)
          // Whatever it brought is wanted, also what was once taken away.
          await store.deleteNote(unspokenKey(status.name))
          return status
        },
        operation.signal,
      ),

    /**
     * Fetches again what is missing or damaged of an installed pack, and only that. Answers how many chunks.
     * @param operation `paths`: only of these files.
     */
    repair: (name: string, { paths, ...operation }: Operation & { paths?: readonly string[] } = {}): Promise<number> =>
      exclusive(
        PACKS_LOCK,
        async () => {
          const { signed, digest } = await openPack(store, name, trusted)
          const wanted = chunksOf(signed.manifest, paths ?? choose(signed.manifest))
          const damaged = await findDamage(store, signed.manifest.blob.chunks, wanted)
          if (damaged.length === 0) return 0
          const urls = await addressesOf(name)
          const text = (await store.getManifest(name)) ?? ''
          try {
            await mirrored(urls)({ signed, text, digest }, wanted, operation)
          } catch (error) {
            if (!(error instanceof JikoError) || !STALE.has(error.code)) throw error
            // This version is not offered any more; a newer one mends it as well.
            await complete(await fetchFirst(urls, operation), urls, mirrored(urls), operation)
          }
          return damaged.length
        },
        operation.signal,
      ),

    /** Fetches files that were not needed at first: the card, another variant. */
    fetchFiles: (name: string, paths: readonly string[], operation: Operation = {}): Promise<void> =>
      exclusive(
        PACKS_LOCK,
        async () => {
          const { signed, digest } = await openPack(store, name, trusted)
          const urls = await addressesOf(name)
          const text = (await store.getManifest(name)) ?? ''
          const wanted = chunksOf(signed.manifest, paths)
          await mirrored(urls)({ signed, text, digest }, wanted, operation)
        },
        operation.signal,
      ),

    /**
     * Fetches what the installed version has recorded in a language. Nothing is taken away to make room for that.
     * @param url where to look when it is not known where the pack came from, as of one out of a file
     */
    fetchClips: (name: string, language: string, url: string, operation: Operation = {}): Promise<void> =>
      exclusive(
        PACKS_LOCK,
        async () => {
          const { signed, digest } = await openPack(store, name, trusted)
          const { urls = [] } = (await origins.origin(name)) ?? {}
          const text = (await store.getManifest(name)) ?? ''
          const { claim, clipChunks } = await import('./clips.ts')
          const wanted = clipChunks(signed.manifest, [language])
          await fromMirrors(urls[0] ? urls : [url], deps)({ signed, text, digest }, wanted, operation)
          await claim(store, name, language)
        },
        operation.signal,
      ),

    /** Gives up what is pending of a pack; an installed version stays. */
    cancel: (name: string): Promise<void> =>
      exclusive(PACKS_LOCK, async () => {
        await store.deletePending(name)
        await collect(store)
      }),

    /** The installed version has answered: the one before it is not needed any more. */
    async settle(name: string): Promise<void> {
      await store.deleteNote(previousKey(name))
      await collect(store)
    },

    /**
     * The installed version passed its check and fails all the same: the one before it comes back, and this one is not
     * offered again. False when that one is not here any more. Takes no lock, or an answer would wait for whatever is
     * being fetched: chunks that a running install counts on are named by what is pending.
     */
    async rollBack(name: string): Promise<boolean> {
      const text = await store.getNote(previousKey(name))
      const previous = readable(text)
      const failed = await store.getManifest(name)
      if (text === undefined || !previous || failed === undefined || failed === text) return false
      if (missingBytes(previous.manifest, choose(previous.manifest), await here()) > 0) return false
      const { digest } = await checkManifest(text, trusted)
      await store.putNote(refusedKey(name), (await openPack(store, name)).digest)
      if ((await store.getPending(name))?.text === failed) await store.deletePending(name)
      await origins.installed(name, { urls: [], at: now(), digest })
      await store.putManifest(name, text)
      await store.deleteNote(previousKey(name))
      await collect(store)
      return true
    },

    remove: (name: string): Promise<void> =>
      exclusive(PACKS_LOCK, async () => {
        await removePack(store, name)
        await origins.forget(name)
      }),
  }
}
export type Installer = ReturnType<typeof createInstaller>

/** The blob does not fit the manifest. */
const STALE = new Set(['download/changed', 'download/wrong-bytes', 'download/not-found', 'pack/corrupt'])
/** Failures during the check that say nothing about the pack. */
const KEEPS_PENDING = /^(download|storage)\/|^pack\/damaged$/
