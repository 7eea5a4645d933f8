import { rolldown } from 'rolldown'

/** `packs-page.ts` as one script for a page. */
export async function packsPageScript(): Promise<string> {
  const bundle = await rolldown({ input: `${import.meta.dirname}/packs-page.ts`, platform: 'browser' })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  return output[0].code
}
