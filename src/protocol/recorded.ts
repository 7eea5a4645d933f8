import type { Manifest } from './manifest.ts'

/** Whether anything of a pack is recorded speech: for all else about that there is `clips.ts`, which few need. */
export const isRecorded = ({ labels, clips }: Pick<Manifest, 'labels' | 'clips'>): boolean =>
  clips !== undefined || labels.some((label) => label.clips)
