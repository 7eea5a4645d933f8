import { utf8 } from '../lib/bytes.ts'
import { createSerial } from '../lib/serial.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import { faceFinderOf } from '../protocol/face-finder.ts'
import { type Signer, verify } from '../protocol/sign.ts'
import { formatTaught, MAX_TAUGHT_BYTES, parseTaught, type SignedTaught, type TaughtPack } from '../protocol/taught.ts'
import type { InstalledPack, PackStatus } from '../protocol/worker.ts'
import type { PackOffer, TaughtBy } from './kit.ts'
import { TAUGHT_NAMES, type TaughtSettings } from './taught-settings.ts'

export const TAUGHT_TYPE = 'application/x-jikopack'
const EXTENSION = '.jikopack'
const keyOf = (name: string): string => `teach.pack.${name}`

/** A taught pack that is here. */
export interface KeptTaught extends SignedTaught {
  text: string
  /** SHA-256 of line 1. */
  digest: string
}

/** Higher versions come later; both are like 1.0.3. */
const lastPart = (version: string): number => Number(version.split('.').at(-1))

/**
 * The taught packs of this phone, its own and those of others. Signed by the phone that made each: that says only that
 * nobody changed it since, so nothing in them is believed but data that is checked, on top of a pack that a trusted key signed.
 */
export function openTaughtRoom(settings: TaughtSettings, ownKey: () => string) {
  const serial = createSerial()

  async function names(): Promise<string[]> {
    const saved = await settings.get(TAUGHT_NAMES)
    return Array.isArray(saved) ? saved.map(String) : []
  }

  async function find(name: string): Promise<KeptTaught | undefined> {
    const text = await settings.get(keyOf(name))
    if (typeof text !== 'string') return undefined
    const signed = parseTaught(text)
    return { ...signed, text, digest: await sha256Hex(utf8(signed.line)) }
  }

  /** @throws JikoError `pack/not-installed` */
  async function get(name: string): Promise<KeptTaught> {
    const kept = await find(name)
    if (kept) return kept
    throw new JikoError('pack/not-installed', `the pack "${name}" is not here: open its file again`, {
      detail: { name },
    })
  }

  /** Text first, the name that makes it a pack last. */
  async function keep(name: string, text: string): Promise<void> {
    await settings.set(keyOf(name), text)
    const before = await names()
    if (!before.includes(name)) await settings.set(TAUGHT_NAMES, [...before, name])
  }

  function statusOf({ pack, text, digest }: KeptTaught): PackStatus {
    const { name, version } = pack
    return { name, version, digest, state: 'ready', bytes: text.length, have: text.length }
  }

  function by({ pack, signature }: KeptTaught, installed: readonly InstalledPack[]): TaughtBy {
    const { base, maker, estimate } = pack
    const here = installed.find(({ name, state }) => name === base.name && state === 'ready')
    return {
      ...(maker !== undefined && { maker }),
      key: signature.key.slice(-6),
      own: signature.key === ownKey(),
      base: base.name,
      ready: here === undefined ? 'absent' : here.digest === base.digest ? 'ready' : 'other',
      estimate,
    }
  }

  return {
    get,
    find,

    /** What was just taught here. @returns the text of its file and its digest */
    async make(pack: TaughtPack, signer: Signer): Promise<KeptTaught> {
      const line = JSON.stringify(pack)
      const signature = { alg: 'ES256' as const, key: signer.key, signature: await signer.sign(utf8(line)) }
      const text = formatTaught(line, signature)
      const made = { ...parseTaught(text), text, digest: await sha256Hex(utf8(line)) }
      await serial(() => keep(pack.name, text))
      return made
    },

    async list(installed: readonly InstalledPack[]): Promise<PackOffer[]> {
      const offers: PackOffer[] = []
      for (const name of await names()) {
        const kept = await find(name)
        if (!kept) continue
        const base = installed.find((one) => one.name === kept.pack.base.name)
        const finder = faceFinderOf(base?.signed.manifest.form)
        offers.push({
          ...statusOf(kept),
          url: '',
          title: { en: kept.pack.title },
          description: { en: kept.pack.labels.map(({ name: { en } }) => en).join(' · ') },
          labels: kept.pack.labels,
          taught: by(kept, installed),
          ...(base && { takes: base.signed.manifest.input.kind }),
          ...(finder !== undefined && { finder: { name: finder, ready: false } }),
        })
      }
      return offers
    },

    async exportFile(name: string): Promise<File> {
      const { pack, text } = await get(name)
      const title = pack.title.replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-|-$/g, '') || name
      return new File([text], `${title}-${pack.version}${EXTENSION}`, { type: TAUGHT_TYPE })
    },

    /**
     * Takes in what somebody made.
     * @throws JikoError `teach/bad-pack`, `teach/changed`, `teach/other-maker`, `teach/older`
     */
    importFile: (file: Blob): Promise<PackStatus> =>
      serial(async () => {
        if (file.size > MAX_TAUGHT_BYTES) {
          throw new JikoError('teach/bad-pack', `the file has ${file.size} bytes: more than any taught pack`)
        }
        const text = await file.text()
        const signed = parseTaught(text)
        const { pack, line, signature } = signed
        if (!(await verify(signature.key, utf8(line), signature.signature))) {
          throw new JikoError('teach/changed', `"${pack.title}" was changed after it was made: ask for the file again`)
        }
        const { unpackHead } = await import('../tasks/teach/head.ts')
        unpackHead(pack.head)
        const before = await find(pack.name)
        if (before && before.signature.key !== signature.key) {
          throw new JikoError('teach/other-maker', `"${pack.title}" has the name of a pack that another phone made`)
        }
        if (before && lastPart(before.pack.version) > lastPart(pack.version)) {
          throw new JikoError(
            'teach/older',
            `"${pack.title}" ${pack.version} is older than ${before.pack.version}, which is here`,
          )
        }
        await keep(pack.name, text)
        return statusOf({ ...signed, text, digest: await sha256Hex(utf8(line)) })
      }),

    remove: (name: string): Promise<void> =>
      serial(async () => {
        await settings.set(
          TAUGHT_NAMES,
          (await names()).filter((one) => one !== name),
        )
        await settings.set(keyOf(name), undefined)
      }),
  }
}
export type TaughtRoom = ReturnType<typeof openTaughtRoom>
