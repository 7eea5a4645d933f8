import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { DeviceReport } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { formatBytes, formatNumber } from '../format.ts'
import { Choices } from '../parts/choices.tsx'
import { Failure } from '../parts/notice.tsx'
import { Screen } from '../parts/screen.tsx'
import { useLanguage, useValue } from '../use-value.ts'

type Way = DeviceReport['packs'][number]['ways'][number]

/** Bytes; 0 stands for what follows from the phone. */
const LIMITS = [0, 128e6, 256e6, 512e6, 1024e6] as const

/** What runs each pack on this phone, how fast, and why nothing else does. */
export function DeviceScreen(): JSX.Element {
  const { kit, packs } = useApp()
  const offers = useValue(packs.offers) ?? []
  const language = useLanguage()
  const [report, setReport] = useState<DeviceReport>()
  const [tried, setTried] = useState(false)
  const [error, setError] = useState<unknown>()
  const read = (): Promise<void> => kit.device.report().then(setReport, setError)
  // Once, when the screen opens.
  useEffect(() => void read(), [])
  const titleOf = (name: string): string => {
    const title = offers.find((offer) => offer.name === name)?.title
    return title?.[language] ?? title?.en ?? name
  }
  const again = (): void => {
    kit.device
      .measureAgain()
      .then(() => setTried(true))
      .then(read)
      .catch(setError)
  }
  return (
    <Screen title={i18n.t('device.title')} inner>
      {error !== undefined && <Failure error={error} />}
      {report?.packs.map(({ name, ways }) => (
        <section key={name} data-testid={`device-${name}`}>
          <h2 class="section">{titleOf(name)}</h2>
          <ul class="ways">
            {ways.map((way) => (
              <WayRow key={`${way.variant} ${way.backend}`} way={way} wanted={ways.find(({ used }) => used)?.ms ?? 0} />
            ))}
          </ul>
        </section>
      ))}
      {report && (
        <Choices
          pairs
          name="memory"
          legend={i18n.t('device.memory')}
          value={LIMITS.find((limit) => limit === report.memory) ?? 0}
          choices={LIMITS.map((value) => ({
            value,
            text: value === 0 ? i18n.t('device.auto') : formatBytes(value, language),
          }))}
          onChoose={(value) => void kit.device.setMemory(value > 0 ? value : undefined).then(read, setError)}
        />
      )}
      <button type="button" class="button quiet" onClick={again} data-testid="measure-again">
        {i18n.t('device.again')}
      </button>
      {tried && <p role="status">{i18n.t('device.again.done')}</p>}
    </Screen>
  )
}

/** @param wanted milliseconds of the way that answers: one on several cores may be a little faster, and is kept in reserve. */
function standing({ used, reason, here, ms = 0 }: Way, wanted: number): string {
  if (used) return i18n.t('device.used')
  if (reason !== undefined) return i18n.t('device.refused')
  if (!here) return i18n.t('device.absent')
  return ms > wanted ? i18n.t('device.slower') : i18n.t('device.spare')
}

/** Reasons are those of engines, in English: for whoever helps. */
function WayRow({ way, wanted }: { way: Way; wanted: number }): JSX.Element {
  const language = useLanguage()
  const size = formatBytes(way.memory, language)
  return (
    <li data-used={way.used}>
      <strong>{standing(way, wanted)}</strong>
      <p>
        <bdi lang="en" dir="ltr">
          {way.backend}, {way.variant}
        </bdi>
      </p>
      <p class="small">
        {way.ms === undefined
          ? i18n.t('device.memory-need', { size })
          : i18n.t('device.facts', { size, ms: formatNumber(Math.max(1, Math.round(way.ms)), language) })}
      </p>
      {way.reason !== undefined && (
        <p class="small" lang="en" dir="ltr">
          {way.reason}
        </p>
      )}
    </li>
  )
}
