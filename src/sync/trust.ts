import { JikoError } from '../protocol/error.ts'
import type { SyncResponse } from '../protocol/hub.ts'
import { downMessage, photosMessage, receiptMessage } from '../protocol/log.ts'
import { verify } from '../protocol/sign.ts'
import type { RecordStore } from '../store/store.ts'

/** Which hub is believed at an address: the one met there first. Enrolment will say it beforehand. */
export interface Trust {
  /**
   * Checks that an answer is from the hub we know and that all in it that is believed is signed by it.
   * @throws JikoError `sync/hub-changed` when another key answers, `sync/bad-receipt`; then nothing of it may be believed.
   */
  check(answer: SyncResponse): Promise<void>
  /** A person has confirmed that the hub at this address has a new key. */
  confirm(key: string): Promise<void>
}

export function createTrust(
  settings: Pick<RecordStore, 'getSetting' | 'setSetting'>,
  hubUrl: string,
  program: string,
): Trust {
  const name = `hub-key ${hubUrl}`
  return {
    async check({ hub, ack, down, photos }) {
      const known = await settings.getSetting(name)
      if (known !== undefined && known !== hub.key) {
        throw new JikoError('sync/hub-changed', 'another hub answers at this address: ask who runs it, then confirm', {
          detail: { known: String(known), got: hub.key },
        })
      }
      const receipts = Object.entries(ack).flatMap(([stream, one]) => [
        { stream, ...one },
        ...(one.final ? [{ stream, level: 'final' as const, ...one.final }] : []),
      ])
      for (const { stream, upto, hash, level, receipt } of receipts) {
        if (await verify(hub.key, receiptMessage(program, stream, upto, hash, level), receipt)) continue
        throw new JikoError('sync/bad-receipt', `the receipt for ${stream} up to ${upto} is not signed by the hub`)
      }
      const more = [
        ...(down ? [{ message: downMessage(program, down.ops), signature: down.signature }] : []),
        ...(photos ? [{ message: photosMessage(program, photos.final), signature: photos.signature }] : []),
      ]
      for (const { message, signature } of more) {
        if (await verify(hub.key, message, signature)) continue
        throw new JikoError('sync/bad-receipt', 'what the answer hands down is not signed by the hub')
      }
      if (known === undefined) await settings.setSetting(name, hub.key)
    },
    confirm: (key) => settings.setSetting(name, key),
  }
}
