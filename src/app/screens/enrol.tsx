import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useApp } from '../context.ts'
import { Failure, Notice } from '../parts/notice.tsx'
import { Screen } from '../parts/screen.tsx'
import { Picture } from '../pictures.tsx'
import { hrefOf } from '../routes.ts'

/** Where an invitation's link leads: who asks, and yes or no. Nothing is sent before the person says so. */
export function EnrolScreen({ invitation }: { invitation: string }): JSX.Element {
  const { kit, navigation, announce } = useApp()
  const [step, setStep] = useState<'asked' | 'joining' | 'joined'>('asked')
  const [error, setError] = useState<unknown>()

  async function join(): Promise<void> {
    setStep('joining')
    setError(undefined)
    try {
      await kit.sync.enrol(new URL(hrefOf({ screen: 'enrol', invitation }), document.baseURI).href)
      setStep('joined')
      announce(i18n.t('enrol.done'))
    } catch (reason) {
      setStep('asked')
      setError(reason)
    }
  }

  return (
    <Screen title={i18n.t('enrol.title')} inner>
      {step === 'joined' ? (
        <Notice picture="final" title={i18n.t('enrol.done')}>
          {/* Replaced: the invitation is used up, and its token need not stay in the address. */}
          <button type="button" class="button" onClick={() => navigation.replace({ screen: 'home' })}>
            {i18n.t('nav.home')}
          </button>
        </Notice>
      ) : (
        <>
          <div class="frame">
            <Picture name="person" />
          </div>
          <p class="lead">{i18n.t('enrol.text', { hub: location.host })}</p>
          {error !== undefined && <Failure error={error} />}
          <div class="actions">
            <button
              type="button"
              class="button primary"
              disabled={step === 'joining'}
              data-testid="enrol"
              onClick={() => void join()}
            >
              <Picture name="check" />
              <span>{i18n.t('enrol.yes')}</span>
            </button>
            <button type="button" class="button" onClick={() => navigation.replace({ screen: 'home' })}>
              {i18n.t('enrol.no')}
            </button>
          </div>
        </>
      )}
    </Screen>
  )
}
