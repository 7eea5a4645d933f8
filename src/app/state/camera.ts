import { JikoError } from '../../protocol/error.ts'

/** An open camera: what it sees, and its light where it has one. */
export interface Camera {
  readonly stream: MediaStream
  light?(on: boolean): Promise<void>
  stop(): void
}

/** What `getUserMedia` rejects with, and what that means to a person. */
const REFUSALS: Readonly<Record<string, readonly [code: `input/${string}`, message: string]>> = {
  NotAllowedError: ['input/camera-refused', 'the camera is not allowed here: allow it in the settings'],
  NotFoundError: ['input/no-camera', 'this device has no camera'],
  NotReadableError: ['input/no-camera', 'the camera is in use by another app'],
}

/** In no TypeScript lib yet. */
interface LightCapabilities extends MediaTrackCapabilities {
  torch?: boolean
}

/**
 * Opens the camera that looks away from the person.
 * @throws JikoError `input/camera-refused`, `input/no-camera`
 */
export async function openCamera(devices: Pick<MediaDevices, 'getUserMedia'> | undefined): Promise<Camera> {
  if (!devices) throw new JikoError('input/no-camera', 'the camera needs HTTPS: open the app by its https address')
  // A model looks at much less; a larger picture only warms the phone.
  const video = { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 960 } }
  const stream = await devices.getUserMedia({ video, audio: false }).catch((cause: unknown) => {
    const [code, message] = (cause instanceof Error && REFUSALS[cause.name]) || []
    throw code && message ? new JikoError(code, message, { cause }) : cause
  })
  const [track] = stream.getVideoTracks()
  // Not every browser says what a track can do.
  const { torch } = (track?.getCapabilities?.() ?? {}) as LightCapabilities
  return {
    stream,
    ...(torch && {
      async light(on) {
        await track?.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] })
      },
    }),
    stop() {
      for (const one of stream.getTracks()) one.stop()
    },
  }
}

/** What the camera sees now, whole, as a photo. @throws JikoError `input/no-camera` before there is a picture. */
export async function takePhoto(video: HTMLVideoElement): Promise<Blob> {
  const { videoWidth, videoHeight } = video
  if (videoWidth === 0) throw new JikoError('input/no-camera', 'the camera has not shown anything yet')
  const canvas = new OffscreenCanvas(videoWidth, videoHeight)
  canvas.getContext('2d')?.drawImage(video, 0, 0)
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 })
}
