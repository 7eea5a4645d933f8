import { describe, expect, it } from 'vitest'
import { checkManifest, checkSuccessor, compareVersions, fetchManifest } from '../../../src/packs/fetch-manifest.ts'
import { MAX_MANIFEST_BYTES, parseSignedManifest } from '../../../src/protocol/manifest.ts'
import { vouchFor } from '../../../src/protocol/succession.ts'
import { syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'

const pack = await syntheticPack()
const other = await throwAwaySigner()
const byOther = await syntheticPack({ signer: other })
const answer = (body: BodyInit, init?: ResponseInit) => ({ fetch: async () => new Response(body, init) })
const URL_ = 'https://hub.test/packs/leaf/'

describe('fetching a manifest', () => {
  it('takes a signed one by a trusted key, at the folder or at the file', async () => {
    const asked: string[] = []
    const fetch = async (url: string) => {
      asked.push(url)
      return new Response(pack.text)
    }
    const link = { fetch }
    const got = await fetchManifest(URL_, link, [pack.key])
    expect(got.digest).toBe(pack.digest)
    expect(got.text).toBe(pack.text)
    expect(got.signed.manifest).toEqual(pack.manifest)
    await fetchManifest(`${URL_}manifest.ndjson`, link, [pack.key])
    expect(asked).toEqual([`${URL_}manifest.ndjson`, `${URL_}manifest.ndjson`])
  })

  const lines = pack.text.split('\n')
  const bad: [string, string, string][] = [
    ['unsigned', `${lines[0]}\n`, 'pack/unsigned'],
    ['tampered', pack.text.replace('"threshold":0.5', '"threshold":0.1'), 'pack/bad-signature'],
    ['not JSON', 'leaf\nleaf\n', 'pack/bad-manifest'],
    ['wrong in a field', pack.text.replace('"version":"1.0.0"', '"version":"one"'), 'pack/bad-manifest'],
    ['empty', '', 'pack/bad-manifest'],
    ['too long', 'x'.repeat(MAX_MANIFEST_BYTES + 1), 'download/too-large'],
    ['a login page', '<!DOCTYPE html><html>Please pay</html>', 'download/captive-portal'],
    ['signed by a key that is not trusted', byOther.text, 'pack/untrusted'],
    ['signed by one key in the name of another', pack.text.replace(pack.key, other.key), 'pack/untrusted'],
  ]
  it.each(bad)('refuses one that is %s', async (_, body, code) => {
    await expect(fetchManifest(URL_, answer(body), [pack.key])).rejects.toMatchObject({ code })
  })

  it('refuses a signature by another trusted key over the same line', async () => {
    const text = pack.text.replace(pack.key, other.key)
    await expect(checkManifest(text, [pack.key, other.key])).rejects.toMatchObject({ code: 'pack/bad-signature' })
  })

  it('takes one signed by the successor of a trusted key, through all that came between', async () => {
    const [first, second, third] = [await throwAwaySigner(), await throwAwaySigner(), await throwAwaySigner()]
    const former = [await vouchFor(first, second.key), await vouchFor(second, third.key)]
    const { text } = await syntheticPack({ signer: third, former })
    for (const { key } of [first, second, third])
      expect((await checkManifest(text, [key])).signed.signature.former).toEqual(former)
    await expect(checkManifest(text, [other.key])).rejects.toMatchObject({ code: 'pack/untrusted' })
    const forged = [
      [],
      // A stranger names a trusted key before him, with a word that it gave another, or that he gave himself.
      [{ key: first.key, signature: former[0]?.signature ?? '' }],
      [{ key: first.key, signature: (await vouchFor(third, third.key)).signature }],
      [former[0] ?? former, { ...(await vouchFor(other, third.key)) }].flat(),
    ]
    for (const chain of forged) {
      const { text: bad } = await syntheticPack({ signer: third, former: chain })
      await expect(checkManifest(bad, [first.key])).rejects.toMatchObject({ code: 'pack/untrusted' })
    }
  })

  it('refuses bytes that are not text', async () => {
    const link = answer(new Uint8Array([0xff, 0xfe, 0x80]))
    await expect(fetchManifest(URL_, link, [pack.key])).rejects.toMatchObject({ code: 'pack/bad-manifest' })
  })

  it.each([
    [404, {}, 'download/not-found'],
    [403, {}, 'download/refused'],
    [503, { 'retry-after': '7' }, 'download/server'],
    [200, { 'content-type': 'text/html; charset=utf-8' }, 'download/captive-portal'],
    [511, {}, 'download/captive-portal'],
    [404, { 'content-type': 'text/html' }, 'download/not-found'],
  ])('says what HTTP %i with %o is', async (status, headers, code) => {
    const link = answer(status === 200 ? pack.text : 'no', { status, headers })
    await expect(fetchManifest(URL_, link, [pack.key])).rejects.toMatchObject({ code })
  })

  it('tells a dead link from an abort and from a stall', async () => {
    const dead = { fetch: () => Promise.reject(new TypeError('fetch failed')) }
    await expect(fetchManifest(URL_, dead, [pack.key])).rejects.toMatchObject({ code: 'download/network' })
    const never = { fetch: () => new Promise<Response>(() => undefined) }
    const controller = new AbortController()
    const waiting = fetchManifest(URL_, never, [pack.key], controller.signal)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    await expect(fetchManifest(URL_, { ...never, stallMs: 5 }, [pack.key])).rejects.toMatchObject({
      code: 'download/stalled',
    })
  })
})

describe('taking the place of an installed version', () => {
  const at = async (version: string, name = 'leaf') =>
    parseSignedManifest((await syntheticPack({ version, name })).text)

  it('compares numbers, not text', () => {
    expect(compareVersions('1.10.0', '1.9.9')).toBeGreaterThan(0)
    expect(compareVersions('1.2.3', '1.2.3')).toBe(0)
    expect(compareVersions('0.9.0', '1.0.0')).toBeLessThan(0)
  })

  it('refuses an older one and another pack', async () => {
    const installed = await at('1.9.0')
    expect(() => checkSuccessor(installed, installed)).not.toThrow()
    expect(checkSuccessor(installed, await at('1.10.0'))).toBeUndefined()
    await expect(async () => checkSuccessor(installed, await at('1.8.9'))).rejects.toMatchObject({ code: 'pack/older' })
    await expect(async () => checkSuccessor(installed, await at('2.0.0', 'bean'))).rejects.toMatchObject({
      code: 'pack/wrong-name',
    })
  })
})
