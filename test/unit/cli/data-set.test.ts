import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listSamples as list, listFiles, parseCsv, parseTsv, spread } from '../../../src/cli/data-set.ts'
import { createReadInput } from '../../../src/cli/read-input.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'

const listSamples = (data: string, labels?: string) => list(data, 'image', createReadInput('image'), labels)

function makeFolder(): string {
  const folder = temporaryFolder()
  for (const path of ['b/2.jpg', 'a/1.PNG', 'a/notes.txt', 'a/.hidden.jpg']) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), 'x')
  }
  return folder
}

describe('data sets', () => {
  it('list pictures in the same order everywhere, labelled by folder', async () => {
    const folder = makeFolder()
    expect(await listFiles(folder, 'image')).toEqual([join(folder, 'a/1.PNG'), join(folder, 'b/2.jpg')])
    expect((await listSamples(folder)).map(({ label }) => label)).toEqual(['a', 'b'])
  })

  it('take labels from a CSV file', async () => {
    const folder = makeFolder()
    const labels = join(folder, 'labels.csv')
    writeFileSync(labels, 'path,split,class\na/1.PNG,test,"rust, bad"\nc/9.jpg,test,ok\n')
    expect(await listSamples(join(folder, 'a'), labels)).toMatchObject([
      { name: join(folder, 'a/1.PNG'), label: 'rust, bad' },
    ])
    await expect(listSamples(join(folder, 'b'), labels)).rejects.toMatchObject({ code: 'cli/bad-labels' })
    writeFileSync(labels, 'name,kind\nx,y\n')
    await expect(listSamples(folder, labels)).rejects.toMatchObject({ code: 'cli/bad-labels' })
    await expect(listSamples(folder, join(folder, 'none.csv'))).rejects.toMatchObject({ code: 'cli/no-file' })
  })

  it('refuse a folder that is missing or has no picture', async () => {
    await expect(listFiles(join(temporaryFolder(), 'none'), 'image')).rejects.toMatchObject({ code: 'cli/no-folder' })
    await expect(listFiles(temporaryFolder(), 'image')).rejects.toMatchObject({ code: 'cli/no-samples' })
  })

  it('are texts in files or in a table, and bytes of any file', async () => {
    const folder = temporaryFolder()
    const table = join(folder, 'news.tsv')
    writeFileSync(table, 'category\theadline\thref\nsport\tA "goal", at last\tx\nhealth\tMalaria\ty\n')
    const rows = await list(table, 'text', createReadInput('text'))
    expect(rows.map(({ name, label }) => [name, label])).toEqual([
      [`${table}, row 1`, 'sport'],
      [`${table}, row 2`, 'health'],
    ])
    expect(await rows[0]?.read()).toEqual({ kind: 'text', text: 'A "goal", at last' })
    mkdirSync(join(folder, 'swa'))
    writeFileSync(join(folder, 'swa', '1.txt'), 'habari')
    const [file] = await list(folder, 'text', createReadInput('text'))
    expect([file?.label, await file?.read()]).toEqual(['swa', { kind: 'text', text: 'habari' }])
    expect(await listFiles(folder, 'bytes')).toHaveLength(2)
    writeFileSync(table, 'id\tlabel\n1\tx\n')
    await expect(list(table, 'text', createReadInput('text'))).rejects.toMatchObject({ code: 'cli/bad-labels' })
  })

  it('spread a sample evenly', () => {
    expect(spread([0, 1, 2, 3, 4, 5, 6, 7], 4)).toEqual([0, 2, 4, 6])
    expect(spread([1, 2], 4)).toEqual([1, 2])
  })

  it('read CSV with quotes and empty fields', () => {
    expect(parseCsv('a,b,c\r\n1,,"x ""y"", z"\r\n\r\n')).toEqual([{ a: '1', b: '', c: 'x "y", z' }])
    expect(parseCsv('')).toEqual([])
    expect(parseTsv('a\tb\n"1"\t\n')).toEqual([{ a: '"1"', b: '' }])
  })
})
