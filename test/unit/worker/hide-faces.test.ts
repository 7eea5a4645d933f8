import { describe, expect, it } from 'vitest'
import { isAbort } from '../../../src/lib/abort.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import type { Answer, FoundBox, Pixels, TaskInput } from '../../../src/protocol/task.ts'
import { float32, type Tensors } from '../../../src/protocol/tensor.ts'
import type { RunAttachment } from '../../../src/protocol/worker.ts'
import type { Backend } from '../../../src/runtime/backend.ts'
import { type Finder, hideFaces, keepHidden } from '../../../src/worker/hide-faces.ts'
import { openKeeping } from '../../../src/worker/keeping.ts'
import { createPackRoom } from '../../../src/worker/pack-room.ts'
import { createWorkerService, type WorkerDependencies } from '../../../src/worker/service.ts'
import { KEEP, noise, type SyntheticPack, syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'

const FACE = [250, 200, 180, 255]
const { signal } = new AbortController()

/** Grey, with a face of so many pixels a side: a pattern of its own colour and black. */
function portrait(side = 24, { width, height } = { width: 120, height: 90 }): Pixels {
  const data = new Uint8ClampedArray(width * height * 4).fill(128)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) data.set((x + y) % 2 ? FACE : [0, 0, 0, 255], ((y + 30) * width + x + 40) * 4)
  }
  return { width, height, data }
}

/** Where the colour of the face is, and nothing else. */
function findFace({ width, height, data }: Pixels): FoundBox[] {
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (let i = 0; i < width * height; i++) {
    if (!FACE.every((value, channel) => data[i * 4 + channel] === value)) continue
    const [x, y] = [i % width, Math.floor(i / width)]
    ;[left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)]
  }
  if (right < 0) return []
  const [w, h] = [right + 1 - left, bottom + 1 - top]
  return [{ label: 'face', score: 0.9, x: left / width, y: top / height, width: w / width, height: h / height }]
}

async function finderBy(find: (pixels: Pixels, looks: number) => FoundBox[], output: 'boxes' | 'classes' = 'boxes') {
  const { manifest, digest } = await syntheticPack({ name: 'face-finder' })
  let looks = 0
  const finder = {
    manifest: {
      ...manifest,
      input: { ...manifest.input, width: 320, height: 240 },
      output: output === 'boxes' ? { kind: 'boxes' } : manifest.output,
    },
    digest,
    session: {},
    task: {
      async run(input: TaskInput): Promise<Answer> {
        looks += 1
        if (input.kind !== 'image') throw new Error(input.kind)
        return { kind: 'boxes', sure: true, boxes: find(input.pixels, looks) }
      },
    },
  } as unknown as Finder
  return { finder, looks: () => looks }
}

const asFile = (role: RunAttachment['role'], { data }: Pixels): RunAttachment => ({
  role,
  type: 'test/pixels',
  bytes: new Uint8Array(data),
})
const encode = async (pixels: Pixels): Promise<RunAttachment> => asFile('output', pixels)
const encodePhoto = async (pixels: Pixels): Promise<RunAttachment[]> => [asFile('input', pixels)]

describe('hiding faces', () => {
  it('leaves no face that its finder sees, and says how many there were', async () => {
    const { finder, looks } = await finderBy(findFace)
    const photo = portrait()
    expect(await hideFaces(finder, photo, signal)).toBe(1)
    expect(findFace(photo)).toEqual([])
    // Once to find it, once more to be sure.
    expect(looks()).toBe(2)
    // What is far from it is as it was.
    expect([...photo.data.subarray(0, 4)]).toEqual([128, 128, 128, 128])
  })

  it('changes nothing where there is none', async () => {
    const { finder, looks } = await finderBy(findFace)
    const photo = portrait(0)
    const before = photo.data.slice()
    expect(await hideFaces(finder, photo, signal)).toBe(0)
    expect(photo.data).toEqual(before)
    expect(looks()).toBe(1)
  })

  it('finds in parts what is too small in the whole, and hides it in the whole', async () => {
    const photo = portrait(24, { width: 1600, height: 1200 })
    // Sees nothing in a picture that it must shrink by more than three.
    const { finder } = await finderBy((pixels) => (pixels.width > 960 ? [] : findFace(pixels)))
    expect(await hideFaces(finder, photo, signal)).toBe(1)
    expect(findFace(photo)).toEqual([])
  })

  it('takes ever coarser cells while the finder still sees one', async () => {
    const box = { label: 'face', score: 0.9, x: 0.3, y: 0.3, width: 0.3, height: 0.3 }
    const { finder, looks } = await finderBy((_, look) => (look < 4 ? [box] : []))
    const photo = portrait()
    expect(await hideFaces(finder, photo, signal)).toBe(1)
    expect(looks()).toBe(4)
    const middle = (x: number) => [...photo.data.subarray((45 * 120 + x) * 4, (45 * 120 + x) * 4 + 3)]
    expect(middle(40)).toEqual(middle(66))
  })
})

describe('what is kept of a photo', () => {
  const box = { label: 'face', score: 0.9, x: 0.3, y: 0.3, width: 0.3, height: 0.3 }
  const keep = async (find: Parameters<typeof finderBy>[0], output?: 'classes') => {
    const { finder } = await finderBy(find, output)
    const photo = portrait()
    return keepHidden(photo, [], { withFinder: (work) => work(finder), encode, encodePhoto, signal })
  }

  it('is what was hidden, by whom', async () => {
    const { attachments, faces } = await keep(findFace)
    expect(faces).toMatchObject({ hidden: 1, by: { name: 'face-finder', version: '1.0.0' } })
    const [kept] = attachments
    expect(findFace({ ...portrait(), data: new Uint8ClampedArray(kept?.bytes ?? []) })).toEqual([])
  })

  it('is nothing where a face cannot be hidden', async () => {
    expect(await keep(() => [box])).toEqual({ attachments: [], faces: { unkept: 'task/still-a-face' } })
  })

  it('is nothing where the pack finds no boxes at all', async () => {
    expect(await keep(findFace, 'classes')).toEqual({ attachments: [], faces: { unkept: 'pack/no-finder' } })
  })

  it.each([
    ['pack/absent', new JikoError('pack/absent', 'not here')],
    ['worker/failed', new RangeError('what nobody expected')],
  ])('is nothing where the finder fails, by %s', async (code, error) => {
    const failing = () => {
      throw error
    }
    expect(await keep(failing)).toEqual({ attachments: [], faces: { unkept: code } })
  })

  it('counts a face that was hidden before a backend failed in the middle: the next one does not see it any more', async () => {
    const { finder, looks } = await finderBy((pixels, look) => {
      if (look === 2) throw new JikoError('runtime/run-failed', 'unreachable')
      return findFace(pixels)
    })
    const withFinder = <T>(work: (one: Finder) => Promise<T>) => work(finder).catch(() => work(finder))
    const { attachments, faces } = await keepHidden(portrait(), [], { withFinder, encode, encodePhoto, signal })
    expect([faces.hidden, looks()]).toEqual([1, 3])
    expect(attachments).toHaveLength(1)
  })

  it('is nothing of two where one of them cannot be hidden', async () => {
    const { finder } = await finderBy((pixels) => (pixels.width === 60 ? [box] : findFace(pixels)))
    const other = portrait(0, { width: 60, height: 90 })
    const deps = { withFinder: <T>(work: (one: Finder) => Promise<T>) => work(finder), encode, encodePhoto, signal }
    expect(await keepHidden(portrait(), [other], deps)).toMatchObject({
      attachments: [],
      faces: { unkept: 'task/still-a-face' },
    })
  })

  it('is with it what a model made of it, without its face too; whoever asked sees it as it was made', async () => {
    const { finder } = await finderBy(findFace)
    const made = portrait(12)
    const deps = { withFinder: <T>(work: (one: Finder) => Promise<T>) => work(finder), encode, encodePhoto, signal }
    const { attachments, faces } = await keepHidden(portrait(), [made], deps)
    expect(faces.hidden).toBe(2)
    expect(attachments.map(({ role }) => role)).toEqual(['input', 'output'])
    for (const { bytes } of attachments) expect(findFace({ ...made, data: new Uint8ClampedArray(bytes) })).toEqual([])
    expect(findFace(made)).toHaveLength(1)
  })

  it("is nobody's business any more once whoever waited has gone", async () => {
    const { finder } = await finderBy(findFace)
    const controller = new AbortController()
    controller.abort()
    const withFinder = <T>(work: (one: Finder) => Promise<T>) => work(finder)
    const deps = { withFinder, encode, encodePhoto, signal: controller.signal }
    await expect(keepHidden(portrait(), [], deps)).rejects.toSatisfy(isAbort)
  })
})

interface Serving {
  /** The HTTP status that an address fails with. */
  failing(url: string): number | undefined
  trusted: readonly SyntheticPack[]
}

/** A worker with the packs of a folder, which answers what it is told. */
async function workerWith(
  packs: readonly SyntheticPack[],
  run: (inputs: Tensors) => Promise<Tensors>,
  { failing = () => undefined, trusted = packs }: Partial<Serving> = {},
) {
  const store = createMemoryStore()
  const asked: string[] = []
  async function answer(url: string, init: RequestInit): Promise<Response> {
    asked.push(url)
    const status = failing(url)
    if (status) return new Response(null, { status })
    const pack = packs.find(({ manifest }) => url.includes(`/${manifest.name}/`))
    if (!pack) return new Response(null, { status: 404 })
    if (url.endsWith('manifest.ndjson')) return new Response(pack.text)
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(new Headers(init.headers).get('range') ?? '') ?? []
    const body = pack.blob.slice(Number(from), to === '' ? undefined : Number(to) + 1)
    const range = `bytes ${from}-${Number(from) + body.length - 1}/${pack.blob.length}`
    return new Response(body, { status: 206, headers: { 'content-range': range, etag: '"1"' } })
  }
  const backend: Backend = {
    id: 'fake-nano 1',
    name: 'fake',
    engine: 'nano',
    createSession: async (program, read) => {
      await read(program.engine === 'nano' ? program.plan : program.model)
      return { run, dispose: async () => undefined }
    },
  }
  const keeping = await openKeeping({ store, link: () => ({}) })
  const room = await createPackRoom({
    store,
    backends: [backend],
    fetch: answer,
    makeRoom: keeping.makeRoom,
    spend: keeping.spend,
    exclusive: memoryLocks(),
    trusted: trusted.map(({ key }) => key),
    code: 'test',
    sleep: async () => undefined,
  })
  const photo = portrait()
  const service = createWorkerService({
    packs: room,
    backends: [backend],
    onSpent: () => undefined,
    keeping: async () => keeping,
    receive: async (_given, _input, hiding) => ({
      input: { kind: 'image', pixels: photo },
      ...(hiding ? { photo, attachments: [] } : { attachments: await encodePhoto(photo) }),
    }),
    encode,
    decodeToKeep: async () => photo,
    encodePhoto,
    now: () => 0,
    calm: async () => undefined,
  } as Partial<WorkerDependencies> as WorkerDependencies)
  return {
    service,
    asked,
    keptPixels: (kept: RunAttachment) => ({ ...photo, data: new Uint8ClampedArray(kept.bytes) }),
  }
}

const LEAF = 'https://hub.test/packs/leaf/manifest.ndjson'

describe('a pack whose form asks that faces be hidden', () => {
  const given = new Blob(['a photo'])

  async function packs(finder: 'finder' | 'none' | 'no detector' = 'finder') {
    const signer = await throwAwaySigner()
    const leaf = await syntheticPack({
      signer,
      edit: (manifest) => Object.assign(manifest, { form: { blurFaces: 'face-finder', questions: [] } }),
    })
    const found = await syntheticPack({
      name: 'face-finder',
      signer,
      files: { [KEEP]: noise(9000, 7) },
      edit: (manifest) => {
        manifest.input = { ...manifest.input, width: 120, height: 90, fit: 'stretch' } as typeof manifest.input
        manifest.labels = [{ id: 'face', name: { en: 'Face' } }]
        if (finder === 'no detector') return
        const corners = { boxes: 'boxes', scores: 'likely', order: 'xyxy' as const, unit: 'fraction' as const }
        manifest.output = { kind: 'boxes', head: 'corners', ...corners, least: 0.5, most: 10 }
      },
    })
    return finder === 'none' ? [leaf] : [leaf, found]
  }
  /** Both packs' model in one: the leaf's scores, and a box where the tensor has the colour of a face. */
  const model = async (inputs: Tensors): Promise<Tensors> => {
    const fed = inputs.input
    const [, , height = 0, width = 0] = fed?.dims ?? []
    const plane = height * width
    const at = Array.from({ length: plane }, (_, i) => i).filter((i) =>
      [0, 1, 2].every((channel) => Math.abs(Number(fed?.data[channel * plane + i]) - (FACE[channel] as number)) < 0.5),
    )
    const [xs, ys] = [at.map((i) => i % width), at.map((i) => Math.floor(i / width))]
    const box = [
      Math.min(...xs) / width,
      Math.min(...ys) / height,
      (Math.max(...xs) + 1) / width,
      (Math.max(...ys) + 1) / height,
    ]
    const seen = at.length > 0 && width === 120
    return {
      scores: float32([1, 2], Float32Array.of(0.25, 0.75)),
      boxes: float32([1, 1, 4], Float32Array.from(seen ? box : [0, 0, 0, 0])),
      likely: float32([1, 1, 1], Float32Array.of(seen ? 0.9 : 0)),
    }
  }

  it('is installed with its finder, from beside it, and keeps the photo without the face', async () => {
    const { service, asked, keptPixels } = await workerWith(await packs(), model)
    const finder = { name: 'face-finder', ready: true }
    expect(await service.install('1', LEAF)).toMatchObject({ name: 'leaf', state: 'ready', finder })
    expect((await service.list()).map(({ name }) => name).sort()).toEqual(['face-finder', 'leaf'])
    expect(asked).toContain('https://hub.test/packs/face-finder/manifest.ndjson')
    const { answer, attachments, faces } = await service.run('2', 'leaf', given)
    expect(answer).toMatchObject({ kind: 'classes', label: 'rust' })
    expect(faces).toMatchObject({ hidden: 1, by: { name: 'face-finder' } })
    const [kept] = attachments
    if (!kept) throw new Error('nothing was kept')
    expect(findFace(keptPixels(kept))).toEqual([])
  })

  it('fetches a finder that is here already no second time', async () => {
    const { service, asked } = await workerWith(await packs(), model)
    await service.install('1', LEAF)
    const before = asked.length
    await service.install('2', LEAF)
    expect(asked.slice(before).filter((url) => url.includes('face-finder'))).toEqual([])
  })

  it('answers all the same where its finder is nowhere, and keeps no photo', async () => {
    const { service } = await workerWith(await packs('none'), model)
    const finder = { name: 'face-finder', ready: false, reason: 'download/not-found' }
    expect(await service.install('1', LEAF)).toMatchObject({ name: 'leaf', state: 'ready', finder })
    expect((await service.list()).map(({ name }) => name)).toEqual(['leaf'])
    const { answer, attachments, faces } = await service.run('2', 'leaf', given)
    expect(answer).toMatchObject({ kind: 'classes', label: 'rust' })
    expect([attachments, faces]).toEqual([[], { unkept: 'pack/absent' }])
  })

  it('is installed without a finder that nobody here trusts, and says why', async () => {
    const [leaf, stranger] = [await packs(), await packs()].map((both, i) => both[i])
    if (!leaf || !stranger) throw new Error('two packs, two keys')
    const { service } = await workerWith([leaf, stranger], model, { trusted: [leaf] })
    expect(await service.install('1', LEAF)).toMatchObject({ finder: { ready: false, reason: 'pack/untrusted' } })
  })

  it('is here, but not said to be done, where its finder may come with another try', async () => {
    let down = true
    const failing = (url: string) => (down && url.includes('face-finder') ? 503 : undefined)
    const { service } = await workerWith(await packs(), model, { failing })
    await expect(service.install('1', LEAF)).rejects.toMatchObject({ code: 'download/server' })
    expect((await service.list()).map(({ name }) => name)).toEqual(['leaf'])
    down = false
    expect(await service.install('2', LEAF)).toMatchObject({ finder: { ready: true } })
    expect(await service.list()).toHaveLength(2)
  })

  it('answers all the same where its finder traps at every try, and the next photo is looked at again', async () => {
    let trapping = false
    const { service } = await workerWith(await packs(), async (inputs) => {
      if (trapping && inputs.input?.dims[3] === 120) throw new JikoError('runtime/run-failed', 'unreachable')
      return model(inputs)
    })
    await service.install('1', LEAF)
    trapping = true
    const blind = await service.run('2', 'leaf', given)
    expect(blind.answer).toMatchObject({ label: 'rust' })
    expect(blind).toMatchObject({ attachments: [], faces: { unkept: expect.stringMatching(/^(runtime|pack)\//) } })
    trapping = false
    expect((await service.run('3', 'leaf', given)).faces).toMatchObject({ hidden: 1 })
  })

  it('does not even look where looking may be what ended the worker before', async () => {
    let looks = 0
    const { service } = await workerWith(await packs(), async (inputs) => {
      if (inputs.input?.dims[3] === 120) looks += 1
      return model(inputs)
    })
    await service.install('1', LEAF)
    looks = 0
    const { attachments, faces } = await service.run('2', 'leaf', given, undefined, { blind: true })
    expect([attachments, faces, looks]).toEqual([[], { unkept: 'worker/died' }, 0])
  })

  it('has photos of its form looked at too', async () => {
    const { service, keptPixels } = await workerWith(await packs(), model)
    await service.install('1', LEAF)
    const { attachments, faces } = await service.hideFaces('2', 'face-finder', given)
    expect(faces).toMatchObject({ hidden: 1 })
    expect(attachments.map((one) => findFace(keptPixels(one)))).toEqual([[]])
    expect(await service.hideFaces('3', 'nowhere', given)).toEqual({
      attachments: [],
      faces: { unkept: 'pack/absent' },
    })
  })

  it('keeps no photo where what it names finds nothing in pictures', async () => {
    const { service } = await workerWith(await packs('no detector'), model)
    await service.install('1', LEAF)
    expect(await service.run('2', 'leaf', given)).toMatchObject({
      attachments: [],
      faces: { unkept: 'pack/no-finder' },
    })
  })
})
