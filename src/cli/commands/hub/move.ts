import { moveToPostgres } from '../../../hub/move.ts'
import { describeDatabase } from '../../../hub/store/postgres.ts'
import { interruptSignal } from '../../interrupt.ts'
import { createProgress } from '../../progress.ts'
import { existingDatabase } from './options.ts'

export async function move({ data, to, partitions }: { data: string; to: string; partitions: number }): Promise<void> {
  existingDatabase(data)
  const progress = createProgress('records')
  try {
    const records = await moveToPostgres({
      folder: data,
      to,
      partitions,
      signal: interruptSignal(),
      onProgress: ({ done, total }) => progress.update(done, total),
    })
    progress.stop()
    console.log(
      `${records} records are in ${describeDatabase(to)}. A hub that runs on ${data} has gone on there by itself,`,
    )
    console.log('and so does each later start. Photos and their folder stay where they are.')
  } finally {
    progress.stop()
  }
}
