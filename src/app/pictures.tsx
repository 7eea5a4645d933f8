import type { JSX } from 'preact'

/** Drawn for Jiko on a grid of 48. Each can be told from the others by its outline alone. */
const DRAWINGS = {
  /** The stove: bowl, waist and a flame. Also the way home. */
  jiko: (
    <>
      <path class="ember solid" d="M25 2c1 6 9 9 9 17a10 10 0 0 1-20 1c0-5 4-7 4-11 3 1 4 3 4 5 3-3 4-7 3-12z" />
      <path class="solid" d="M5 23h6c1 6 6 9 13 9s12-3 13-9h6l-5 13H10z" />
      <path class="solid" d="M15 38h18l5 8H28a4 4 0 0 0-8 0H10z" />
    </>
  ),
  leaf: (
    <>
      <path d="M9 39C4 20 17 7 42 6c1 24-12 38-33 33z" />
      <path d="M5 44c7-13 17-23 30-31M17 28.5v-10M17 28.5l12 1M26 19.5v-8M26 19.5l9 .5" />
    </>
  ),
  camera: (
    <>
      <path d="M5 15h9l4-6h12l4 6h9v24H5z" />
      <circle cx="24" cy="26" r="7" />
    </>
  ),
  photos: (
    <>
      <path d="M5 16h29v25H5zM13 16V8h30v25h-9" />
      <path d="M9 37l8-10 6 6 3-3 5 7" />
    </>
  ),
  /** A mouth of sound: something to speak into. */
  microphone: (
    <>
      <rect class="solid" x="17" y="4" width="14" height="25" rx="7" />
      <path d="M10 22v2a14 14 0 0 0 28 0v-2M24 38v7M15 45h18" />
    </>
  ),
  /** Lines of writing and the pen that makes them. */
  write: (
    <>
      <path d="M6 10h26M6 20h18M6 30h10" />
      <path d="M19 43l3-11L38 16l8 8-16 16zM33 21l8 8" />
    </>
  ),
  /** Boxes of a form, one filled in. */
  digits: (
    <>
      <path d="M3 14h42v20H3zM17 14v20M31 14v20" />
      <path class="bold" d="M8 20l3-2v12" />
    </>
  ),
  /** Anything that is a file. */
  file: (
    <>
      <path d="M10 4h19l10 10v30H10zM29 4v10h10" />
      <path d="M17 24h15M17 33h15" />
    </>
  ),
  /** Said aloud. */
  speaker: (
    <>
      <path class="solid" d="M5 17h9l12-11v36L14 31H5z" />
      <path d="M33 16a11 11 0 0 1 0 16M38 9a20 20 0 0 1 0 30" />
    </>
  ),
  person: (
    <>
      <circle class="solid" cx="24" cy="14" r="9" />
      <path class="solid" d="M6 44c0-11 8-17 18-17s18 6 18 17z" />
    </>
  ),
  place: (
    <>
      <path d="M24 45C14 32 10 26 10 19a14 14 0 0 1 28 0c0 7-4 13-14 26z" />
      <circle class="dot" cx="24" cy="19" r="5" />
    </>
  ),
  lock: (
    <>
      <rect class="solid" x="9" y="21" width="30" height="23" rx="4" />
      <path class="bold" d="M15 21v-6a9 9 0 0 1 18 0v6" />
    </>
  ),
  check: <path class="bold" d="M7 26l12 12L42 11" />,
  doubt: (
    <>
      <circle class="broken" cx="24" cy="24" r="20" />
      <path class="bold" d="M17 19a7 7 0 1 1 10 6c-2 1-3 3-3 5" />
      <circle class="dot" cx="24" cy="36" r="3" />
    </>
  ),
  /** Only on this phone. */
  local: (
    <>
      <rect x="12" y="3" width="24" height="42" rx="5" />
      <path class="solid" d="M18 10h12v22H18z" />
    </>
  ),
  /** A hub in the village has it: a hut. */
  held: (
    <>
      <path class="bold" d="M3 25L24 6l21 19" />
      <path d="M10 21v21h28V21" />
      <path class="solid" d="M19 42V30h10v12z" />
    </>
  ),
  /** Safe at the root. */
  final: (
    <>
      <circle class="solid" cx="24" cy="24" r="21" />
      <path class="bold cut" d="M14 25l7 7 13-15" />
    </>
  ),
  back: <path class="bold" d="M30 7L13 24l17 17" />,
  settings: (
    <>
      <path d="M4 14h9M25 14h19M4 34h19M35 34h9" />
      <circle cx="19" cy="14" r="6" />
      <circle cx="29" cy="34" r="6" />
    </>
  ),
  history: (
    <>
      <path class="solid" d="M5 6h10v10H5zM5 19h10v10H5zM5 32h10v10H5z" />
      <path d="M21 11h22M21 24h22M21 37h22" />
    </>
  ),
  send: (
    <>
      <path class="bold" d="M24 36V7M11 20L24 7l13 13" />
      <path d="M5 33v10h38V33" />
    </>
  ),
  download: (
    <>
      <path class="bold" d="M24 5v28M11 21l13 13 13-13" />
      <path d="M5 33v10h38V33" />
    </>
  ),
  warning: (
    <>
      <path d="M24 5l21 37H3z" />
      <path class="bold" d="M24 19v9" />
      <circle class="dot" cx="24" cy="35" r="2.5" />
    </>
  ),
  pencil: <path d="M6 42l3-12L33 6l9 9-24 24zM27 12l9 9" />,
  close: <path class="bold" d="M10 10l28 28M38 10L10 38" />,
} satisfies Record<string, JSX.Element>

export type PictureName = keyof typeof DRAWINGS

interface PictureProps {
  name: PictureName
  /** Says what it shows, where no text beside it does. */
  label?: string
  class?: string
}

export function Picture({ name, label, class: extra = '' }: PictureProps): JSX.Element {
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: it has a label, or is hidden because the text beside it says the same
    <svg
      class={`picture picture-${name} ${extra}`}
      viewBox="0 0 48 48"
      {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' })}
    >
      {DRAWINGS[name]}
    </svg>
  )
}

const BY_INPUT = { image: 'camera', audio: 'microphone', text: 'write', bytes: 'file' } as const

/** The picture of a task: by what its pack is called, where we have drawn for that, else by what it takes. */
export function pictureOf(pack: string, takes: keyof typeof BY_INPUT = 'image'): PictureName {
  if (/leaf|plant|crop/.test(pack)) return 'leaf'
  if (/digit|form/.test(pack)) return 'digits'
  if (/spoken|speech|voice|sound|word/.test(pack)) return 'microphone'
  if (/language|news|topic|text|message|writ/.test(pack)) return 'write'
  return BY_INPUT[takes]
}
