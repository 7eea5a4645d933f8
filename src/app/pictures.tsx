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

/** The picture of a task, by the name of its pack; packs that we have not drawn for get the camera. */
export const pictureOf = (pack: string): PictureName => (/leaf|plant|crop/.test(pack) ? 'leaf' : 'camera')
