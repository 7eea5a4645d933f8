import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'
import { makePhotos, makeSource } from './source.ts'

const root = resolve(import.meta.dirname, '../../..')
const home = temporaryFolder()
const out = join(home, 'packs')
let photos = ''

const jiko = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'src/cli/main.ts'), ...args], {
    cwd: home,
    encoding: 'utf8',
    env: { ...process.env, JIKO_RELEASE_KEY: join(home, 'key.json'), JIKO_PACKS: out },
  })

/** Exactly one line on stderr that names the code. */
function expectError(result: ReturnType<typeof jiko>, code: string): void {
  const errors = result.stderr.replace(/^jiko: guessed: .*\n/, '')
  expect(errors).toMatch(new RegExp(`^jiko: \\[${code}\\] [^\\n]+\\n$`))
  expect(result.status).toBe(1)
}

beforeAll(async () => {
  photos = await makePhotos(3)
})

describe('the jiko command', () => {
  it('packs, lists, runs, measures, inspects, verifies and compares', () => {
    const source = makeSource()
    const packed = jiko('pack', source, '--out', out, '--calibrate', photos)
    expect(packed.status, packed.stderr).toBe(0)
    expect(packed.stdout).toContain('small 1.0.0')
    expect(readdirSync(out).sort()).toEqual(['index.json', 'small'])

    const photo = join(photos, 'one/0.png')
    const ran = jiko('run', 'small', photo, '--json')
    expect(ran.status, ran.stderr).toBe(0)
    expect(JSON.parse(ran.stdout)).toMatchObject({
      pack: 'small',
      variant: 'int8',
      label: expect.any(String),
      scores: expect.any(Array),
    })
    expect(jiko('run', 'small', photo, '--engine', 'onnx', '--json').stdout).toContain('ort-wasm')

    const measured = jiko('eval', 'small', '--data', photos, '--json', '--write', source, '--svg', join(home, 'c.svg'))
    expect(measured.status, measured.stderr).toBe(0)
    expect(JSON.parse(measured.stdout)).toMatchObject({
      count: 12,
      confusion: expect.any(Array),
      latency: expect.any(Object),
    })
    expect(existsSync(join(home, 'c.svg'))).toBe(true)
    const met = jiko('eval', 'small', '--data', photos, '--strangers', photos, '--json')
    expect(JSON.parse(met.stdout).strangers).toEqual([{ folder: photos, count: 12, notSure: expect.any(Number) }])
    expect(jiko('eval', 'small', '--data', photos, '--strangers', join(home, 'none')).stderr).toContain('no folder')

    const tuned = jiko('tune', 'small', '--data', photos, '--write', source, '--keep', '90', '--right', '50')
    expect(tuned.stdout, tuned.stderr).toMatch(/^temperature [\d.]+: .*\nthreshold [\d.]+: .*\nenergy -?[\d.]+: /)
    const { decision, labels } = JSON.parse(readFileSync(join(source, 'pack.json'), 'utf8'))
    expect(tuned.stdout).toContain(`temperature ${decision.temperature}:`)
    expect([Object.keys(decision), labels.length]).toEqual([['temperature', 'threshold', 'energy'], 4])

    expect(jiko('calibrate', source, '--data', photos, '--samples', '4').stdout).toContain('from 4 samples')
    const other = join(home, 'other')
    expect(jiko('pack', source, '--out', other).status).toBe(0)
    const cost = jiko('diff', 'small', join(other, 'small'), '--json')
    expect(JSON.parse(cost.stdout)).toContainEqual(expect.objectContaining({ path: 'card.md', changed: 0, fetch: 0 }))

    expect(jiko('verify', 'small').stdout).toContain('right on int8/nano')
    expect(jiko('inspect', 'small').stdout).toContain('4 labels')
    expect(jiko('inspect', join(source, 'model.onnx')).stdout).toContain('BatchNormalization')
    expect(jiko('key', 'list').stdout).toMatch(/^own {6}[\w-]{87}\n$/)
  })

  it('says what is wrong in one line, with an exit code', () => {
    expectError(jiko('run', 'none', 'x.jpg'), 'cli/no-pack')
    expectError(jiko('pack', temporaryFolder(), '--out', out), 'pack/bad-source')
    expectError(jiko('inspect', join(home, 'none.onnx')), 'cli/no-file')
    const text = join(home, 'text.onnx')
    writeFileSync(text, 'not a model')
    expectError(jiko('inspect', text), 'model/unreadable')
    const empty = temporaryFolder()
    expectError(jiko('calibrate', makeSource(), '--data', empty), 'cli/no-samples')
    expectError(jiko('key', 'trust', 'nonsense'), 'cli/bad-key')
    expectError(jiko('key', 'new'), 'cli/key-exists')
  })

  it('packs a bare ONNX file, says what it guessed, and why it cannot', () => {
    const model = join(makeSource(), 'model.onnx')
    const labels = join(home, 'labels.txt')
    writeFileSync(labels, 'Big Cat\nsmall cat\n\u732b\nbig cat\n')
    const made = jiko(
      'pack',
      model,
      '--out',
      join(home, 'bare'),
      '--labels',
      labels,
      '--calibrate',
      photos,
      '--name',
      'cats',
    )
    expect(made.status, made.stderr).toBe(0)
    expect(made.stderr).toContain('guessed: (pixel - 127.5) / 127.5; nchw, RGB, cropped to 16 x 16')
    const { labels: ids } = JSON.parse(jiko('inspect', join(home, 'bare/cats'), '--json').stdout)
    expect(ids.map(({ id }: { id: string }) => id)).toEqual(['big-cat', 'small-cat', 'class-2', 'big-cat-2'])
    expectError(jiko('pack', model, '--out', out), 'pack/bad-source')
    expectError(jiko('pack', model, '--out', out, '--labels', labels, '--task', 'poetry'), 'pack/unsupported-task')
    writeFileSync(labels, 'only one\n')
    expectError(jiko('pack', model, '--out', out, '--labels', labels, '--calibrate', photos), 'model/wrong-labels')
  })

  it('leaves nothing half-written when it cannot write', () => {
    const file = join(home, 'a-file')
    writeFileSync(file, '')
    expectError(jiko('pack', makeSource(), '--out', file, '--calibrate', photos), 'cli/cannot-write')
    const folder = join(home, 'with-bad-photo')
    mkdirSync(folder)
    writeFileSync(join(folder, 'x.jpg'), 'this is text')
    const never = join(home, 'never')
    expectError(jiko('pack', makeSource(), '--out', never, '--calibrate', folder), 'input/not-an-image')
    expect(existsSync(never)).toBe(false)
  })

  it('refuses a pack of a stranger until the key is trusted', () => {
    const strange = join(home, 'strange')
    const theirs = { ...process.env, JIKO_RELEASE_KEY: join(temporaryFolder(), 'key.json') }
    const made = spawnSync(
      process.execPath,
      [join(root, 'src/cli/main.ts'), 'pack', makeSource(), '--out', strange, '--calibrate', photos],
      { encoding: 'utf8', env: theirs },
    )
    expect(made.status, made.stderr).toBe(0)
    const folder = join(strange, 'small')
    expectError(jiko('verify', folder), 'pack/untrusted')
    const key = spawnSync(process.execPath, [join(root, 'src/cli/main.ts'), 'key', 'list'], {
      encoding: 'utf8',
      env: theirs,
    })
    expect(jiko('key', 'trust', key.stdout.split(/\s+/)[1] ?? '', 'a', 'neighbour').status).toBe(0)
    expect(jiko('verify', folder).status).toBe(0)
    // They change their key: who trusts the old one still takes their packs.
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(root, 'src/cli/main.ts'), ...args], { encoding: 'utf8', env: theirs })
    const rotated = run('key', 'rotate')
    expect(rotated.stdout, rotated.stderr).toContain('the old one is kept as')
    expect(run('key', 'list').stdout).not.toBe(key.stdout)
    expect(run('pack', makeSource({ version: '1.1.0' }), '--out', strange, '--calibrate', photos).status).toBe(0)
    expect(jiko('verify', folder).stdout).toContain('small 1.1.0')
  })

  it('explains wrong use with exit code 2, and help with 0', () => {
    expect(jiko('nonsense').status).toBe(2)
    expect(jiko('pack').status).toBe(2)
    const help = jiko('--help')
    expect(help.status).toBe(0)
    for (const command of ['pack', 'calibrate', 'eval', 'tune', 'run', 'inspect', 'verify', 'diff', 'key', 'hub']) {
      expect(help.stdout).toContain(command)
    }
  })
})
