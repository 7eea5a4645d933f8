import { i18n } from '@lingui/core'
import { JikoError } from '../protocol/error.ts'

export interface Explanation {
  title: string
  /** What to do now. */
  advice: string
  /** For whoever helps: the stable code, when there is one. */
  code?: string
}

/** By code or by the start of one; the first that fits. Kind, in a person's words, and never only "failed". */
const EXPLANATIONS: readonly (readonly [prefix: string, explain: () => Explanation])[] = [
  ['input/not-an-image', () => ({ title: i18n.t('error.not-image'), advice: i18n.t('error.not-image.advice') })],
  ['input/too-small', () => ({ title: i18n.t('error.too-small'), advice: i18n.t('error.too-small.advice') })],
  ['input/too-large', () => ({ title: i18n.t('error.too-large'), advice: i18n.t('error.too-large.advice') })],
  ['input/too-dark', () => ({ title: i18n.t('error.too-dark'), advice: i18n.t('error.too-dark.advice') })],
  ['input/too-blurred', () => ({ title: i18n.t('error.blurred'), advice: i18n.t('error.blurred.advice') })],
  [
    'input/microphone-refused',
    () => ({ title: i18n.t('error.microphone'), advice: i18n.t('error.microphone.advice') }),
  ],
  [
    'input/no-microphone',
    () => ({ title: i18n.t('error.no-microphone'), advice: i18n.t('error.no-microphone.advice') }),
  ],
  ['input/camera-refused', () => ({ title: i18n.t('error.camera'), advice: i18n.t('error.camera.advice') })],
  ['input/no-camera', () => ({ title: i18n.t('error.no-camera'), advice: i18n.t('error.no-camera.advice') })],
  ['input/faces', () => ({ title: i18n.t('faces.unkept'), advice: i18n.t('faces.unkept.text') })],
  ['input/', () => ({ title: i18n.t('error.input'), advice: i18n.t('error.input.advice') })],
  ['storage/quota', () => ({ title: i18n.t('error.full'), advice: i18n.t('error.full.advice') })],
  ['storage/', () => ({ title: i18n.t('error.storage'), advice: i18n.t('error.storage.advice') })],
  ['download/over-budget', () => ({ title: i18n.t('error.budget'), advice: i18n.t('error.budget.advice') })],
  ['download/metered', () => ({ title: i18n.t('pack.metered'), advice: i18n.t('error.budget.advice') })],
  ['download/', () => ({ title: i18n.t('error.download'), advice: i18n.t('error.download.advice') })],
  ['teach/faces', () => ({ title: i18n.t('lesson.faces'), advice: i18n.t('lesson.faces.advice') })],
  ['teach/', () => ({ title: i18n.t('error.pack'), advice: i18n.t('error.pack.advice') })],
  ['pack/', () => ({ title: i18n.t('error.pack'), advice: i18n.t('error.pack.advice') })],
  ['runtime/too-large', () => ({ title: i18n.t('error.memory'), advice: i18n.t('error.memory.advice') })],
  ['runtime/', () => ({ title: i18n.t('error.runtime'), advice: i18n.t('error.runtime.advice') })],
  ['worker/', () => ({ title: i18n.t('error.runtime'), advice: i18n.t('error.runtime.advice') })],
  ['sync/bad-invitation', () => ({ title: i18n.t('error.enrol'), advice: i18n.t('error.enrol.advice') })],
  ['sync/other-', () => ({ title: i18n.t('error.enrol'), advice: i18n.t('error.enrol.advice') })],
  ['sync/not-enrolled', () => ({ title: i18n.t('error.not-enrolled'), advice: i18n.t('error.not-enrolled.advice') })],
  ['sync/', () => ({ title: i18n.t('error.sync'), advice: i18n.t('error.sync.advice') })],
  ['hub/not-enrolled', () => ({ title: i18n.t('error.not-enrolled'), advice: i18n.t('error.not-enrolled.advice') })],
  ['hub/', () => ({ title: i18n.t('error.sync'), advice: i18n.t('error.sync.advice') })],
]

export function explainCode(code: string | undefined): Explanation {
  const found = code === undefined ? undefined : EXPLANATIONS.find(([prefix]) => code.startsWith(prefix))
  const words = found?.[1]() ?? { title: i18n.t('error.unknown'), advice: i18n.t('error.unknown.advice') }
  return code === undefined ? words : { ...words, code }
}

/** Any error that reached a screen, in the words of the active language. */
export const explain = (error: unknown): Explanation => explainCode(error instanceof JikoError ? error.code : undefined)
