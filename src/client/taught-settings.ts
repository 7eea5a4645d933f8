/** Where things are kept that people made here or got from others. */
export interface TaughtSettings {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<void>
}

/** Names of the taught packs that are here. */
export const TAUGHT_NAMES = 'teach.packs'
