import { existsSync, openAsBlob } from 'node:fs'
import { createHub } from '../../../hub/app.ts'
import { openDataFolder } from '../../../hub/data-folder.ts'
import { JikoError } from '../../../protocol/error.ts'
import { replayRecordBundle } from '../../../sync/record-bundle.ts'
import { interruptSignal } from '../../interrupt.ts'
import type { DataOptions } from './options.ts'

/** One who brings a season's file asks for all of it at once. */
const ENOUGH = { burst: Number.MAX_SAFE_INTEGER, perSecond: 1 }

/** Takes in a file that a phone has written of what it could not send: the same requests, judged the same way. */
export async function importBundle(file: string, { data, database }: DataOptions): Promise<void> {
  if (!existsSync(file)) throw new JikoError('cli/no-file', `There is no file ${file}.`)
  const { store, blobs, signer } = await openDataFolder(data, { ...(database !== undefined && { database }) })
  try {
    const hub = createHub({ store, blobs, signer, version: 'import', rates: { address: ENOUGH, device: ENOUGH } })
    const { taken, refused } = await replayRecordBundle(
      await openAsBlob(file),
      ({ path, ...request }) => hub.fetch(new Request(new URL(path, 'http://localhost'), request)),
      interruptSignal(),
    )
    console.log(
      `${taken} requests of ${file} were taken in, ${refused} refused. The phone learns of it at its next sync.`,
    )
  } finally {
    await store.close()
  }
}
