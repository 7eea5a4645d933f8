import { inLanguage } from '../protocol/clips.ts'
import { JikoError } from '../protocol/error.ts'
import type { Kit } from './kit.ts'
import type { WorkerHost } from './worker-host.ts'

/** What packs have recorded: the worker has it, and the list of packs says where a pack is on offer. */
export const createClips = (host: WorkerHost, packs: Pick<Kit['packs'], 'list'>): Kit['clips'] => ({
  want: (language) => host.call((api) => api.wantClips(language)),
  stock: (pack) => host.call((api) => api.clips(pack)),
  get: (pack, said, language) => host.call((api) => api.clip(pack, said, language)),
  drop: (pack, language) => host.call((api) => api.dropClips(pack, language)),
  async fetch(pack, language, { anyway = false, background = false, ...operation } = {}) {
    const stock = inLanguage(await host.call((api) => api.clips(pack)), language)
    const offer = (await packs.list()).find(({ name }) => name === pack)
    if (!stock || !offer)
      throw new JikoError('pack/no-file', `${pack} has nothing recorded in "${language}".`, { detail: { name: pack } })
    const options = { anyway, background, bytes: stock.bytes - stock.have }
    await host.call(
      (api, job, onProgress) => api.fetchClips(job, pack, language, offer.url, onProgress, options),
      operation,
    )
  },
})
