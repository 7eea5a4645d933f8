import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ask,
  complete,
  controlled,
  createField,
  type Field,
  installPack,
  type Shown,
  sample,
} from '../helpers/field-app.ts'

/** What the record of the newest answer says ran it. */
const lastBackend = async ({ hub }: Field): Promise<string> => {
  const records = await hub.records()
  return (records.at(-1)?.body as { backend?: string } | undefined)?.backend ?? ''
}

describe('a phone on which nano does not work', () => {
  let field: Field
  let online: Shown

  beforeAll(async () => {
    // From the first byte on: what a fast phone has kept before stays as it is.
    field = await createField({
      corrupt: (path) =>
        /\/nano-[^/]*\.js$/.test(path) ? Buffer.from('throw new Error("this phone has no nano")') : undefined,
    })
  })
  afterAll(() => field?.close())

  it('fetches what onnxruntime-web needs instead, from its own origin, once, and answers', async () => {
    const { page, network } = field
    await controlled(page)
    await installPack(page)
    online = await ask(page, sample('rust-121.jpg'))
    expect(online.label).toBe('rust')
    await expect.poll(() => lastBackend(field)).toMatch(/^ort-wasm \d+\.\d+\.\d+$/)
    const wasm = network.seen.filter(({ path }) => path.endsWith('.wasm'))
    expect(wasm).toHaveLength(1)
  })

  it('answers the same after a reload with the network cut', async () => {
    const { page, network } = field
    await complete(page)
    await network.cut()
    await page.reload()
    expect(await ask(page, sample('rust-121.jpg'))).toEqual(online)
  })
})
