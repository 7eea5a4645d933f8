import { createOnce } from '../lib/memo.ts'
import type { InstalledPack, PackStatus } from '../protocol/worker.ts'
import type { PackOffer } from './kit.ts'
import { TAUGHT_NAMES, type TaughtSettings } from './taught-settings.ts'

/** Packs that people made, as the list of packs has them: what is none of theirs is answered with undefined. */
export interface TaughtPacks {
  list(installed: readonly InstalledPack[]): Promise<PackOffer[]>
  exportFile(name: string): Promise<File | undefined>
  importFile(file: Blob): Promise<PackStatus | undefined>
  remove(name: string): Promise<boolean>
}

export const TAUGHT_PREFIX = 'taught-'
const FIRST = '{"format":"jiko-taught/'

/** What they are made of is fetched only where there is one. */
export function createTaughtPacks(settings: TaughtSettings, ownKey: () => string): TaughtPacks {
  const room = createOnce(async () => (await import('./taught-room.ts')).openTaughtRoom(settings, ownKey))
  const isTaught = (name: string): boolean => name.startsWith(TAUGHT_PREFIX)
  return {
    async list(installed) {
      const names = await settings.get(TAUGHT_NAMES)
      return Array.isArray(names) && names.length > 0 ? (await room()).list(installed) : []
    },
    exportFile: async (name) => (isTaught(name) ? (await room()).exportFile(name) : undefined),
    async importFile(file) {
      const begin = await file.slice(0, FIRST.length).text()
      return begin === FIRST ? (await room()).importFile(file) : undefined
    },
    async remove(name) {
      if (!isTaught(name)) return false
      await (await room()).remove(name)
      return true
    },
  }
}
