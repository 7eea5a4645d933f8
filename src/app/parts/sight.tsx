import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useApp } from '../context.ts'
import { Picture, pictureOf } from '../pictures.tsx'
import { type Camera, openCamera, takePhoto } from '../state/camera.ts'
import { Failure } from './notice.tsx'

/** The camera in the app itself, behind a frame that says where the thing goes; closed until somebody opens it. */
export function Sight({ pack }: { pack: string }): JSX.Element {
  const [camera, setCamera] = useState<Camera>()
  const [error, setError] = useState<unknown>()
  const [asking, setAsking] = useState(false)

  // An open camera eats the battery, and a phone shows everybody that it is on: never behind another screen or app.
  useEffect(() => {
    if (!camera) return
    const leave = (): void => {
      if (document.hidden) setCamera(undefined)
    }
    document.addEventListener('visibilitychange', leave)
    return () => {
      document.removeEventListener('visibilitychange', leave)
      camera.stop()
    }
  }, [camera])

  async function open(): Promise<void> {
    setError(undefined)
    setAsking(true)
    await openCamera(navigator.mediaDevices as MediaDevices | undefined).then(setCamera, setError)
    setAsking(false)
  }
  if (camera) return <Live pack={pack} camera={camera} onClose={() => setCamera(undefined)} onError={setError} />
  return (
    <>
      <div class="frame">
        <Picture name={pictureOf(pack)} />
      </div>
      {error !== undefined && <Failure error={error} />}
      <button type="button" class="button" disabled={asking} data-testid="sight-open" onClick={() => void open()}>
        <Picture name="camera" />
        <span>{i18n.t('camera.open')}</span>
      </button>
    </>
  )
}

interface LiveProps {
  pack: string
  camera: Camera
  onClose(): void
  onError(error: unknown): void
}

function Live({ pack, camera, onClose, onError }: LiveProps): JSX.Element {
  const { attempts } = useApp()
  const video = useRef<HTMLVideoElement>(null)
  const [lit, setLit] = useState(false)
  const [ready, setReady] = useState(false)
  useEffect(() => {
    if (video.current) video.current.srcObject = camera.stream
  }, [camera])

  const fail = (error: unknown): void => {
    onError(error)
    onClose()
  }
  async function take(): Promise<void> {
    if (video.current) await attempts.begin(pack, await takePhoto(video.current))
  }
  const turn = (on: boolean): void => {
    camera.light?.(on).then(() => setLit(on), fail)
  }
  return (
    <>
      <div class="sight" data-testid="sight">
        <video
          ref={video}
          autoplay
          playsinline
          muted
          aria-label={i18n.t('camera.seen')}
          onPlaying={() => setReady(true)}
        />
      </div>
      <div class="actions">
        <button
          type="button"
          class="button primary"
          disabled={!ready}
          data-testid="sight-take"
          onClick={() => void take().catch(fail)}
        >
          <Picture name="camera" />
          <span>{i18n.t('photo.take')}</span>
        </button>
        {camera.light && (
          <button type="button" class="button" aria-pressed={lit} data-testid="sight-light" onClick={() => turn(!lit)}>
            <Torch />
            <span>{i18n.t('camera.light')}</span>
          </button>
        )}
        <button type="button" class="button quiet" data-testid="sight-close" onClick={onClose}>
          {i18n.t('action.stop')}
        </button>
      </div>
    </>
  )
}

/** Drawn here: no other screen has a use for it. */
const Torch = (): JSX.Element => (
  <svg class="picture" viewBox="0 0 48 48" aria-hidden="true">
    <path d="M13 5h22v8l-6 8v23H19V21l-6-8zM13 13h22" />
    <path class="bold" d="M24 25v6" />
  </svg>
)
