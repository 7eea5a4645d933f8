import type { SyncRequest, SyncResponse } from '../protocol/hub.ts'
import type { RecordStore } from '../store/store.ts'

/** Asked about at once, and on a link that carries little: what is held for long costs little in every sync. */
const PHOTOS = { wide: 16, narrow: 3 }
/** Setting: kinds of storage that the browser was found to have emptied, until a hub was told. */
export const LOST = 'lost'

type Questions = Pick<SyncRequest, 'known' | 'photos'> & { lost?: string[] }

/** What a run asks besides how far its lines have got: what others said, and which photos are at the root. */
export interface Down {
  /** Nothing, once all was heard. */
  questions(isNarrow: boolean): Promise<Questions>
  take(questions: Questions, answer: SyncResponse): Promise<void>
  /** True while there is more to hear. */
  readonly asks: boolean
}

export function createDown(store: RecordStore): Down {
  let known = true
  let photos = true
  let most = PHOTOS.wide
  return {
    get asks() {
      return known || photos
    },
    async questions(isNarrow) {
      most = isNarrow ? PHOTOS.narrow : PHOTOS.wide
      const held = photos ? await store.heldAttachments(most) : []
      const lost = await store.getSetting(LOST)
      return {
        ...(known && { known: await store.known() }),
        ...(held.length > 0 && { photos: held }),
        ...(Array.isArray(lost) && lost.length > 0 && { lost: lost.map(String) }),
      }
    },
    async take(questions, answer) {
      const { down } = answer
      if (down) await store.learn(down.ops.map(([stream, seq, line]) => ({ stream, seq, line })))
      if (questions.known) known = down?.more ?? false
      const asked = questions.photos ?? []
      const final = (answer.photos?.final ?? []).filter((sha256) => asked.includes(sha256))
      await store.attachmentsFinal(final)
      // The oldest go first to the root too: where it lacks one of these, it is not worth asking about the next.
      photos = asked.length === most && final.length === most
      if (questions.lost) await store.setSetting(LOST, undefined)
    },
  }
}
