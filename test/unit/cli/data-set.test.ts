import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listPictures, listSamples, parseCsv, spread } from '../../../src/cli/data-set.ts'
import { temporaryFolder } from './source.ts'

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
    expect(await listPictures(folder)).toEqual([join(folder, 'a/1.PNG'), join(folder, 'b/2.jpg')])
    expect((await listSamples(folder)).map(({ label }) => label)).toEqual(['a', 'b'])
  })

  it('take labels from a CSV file', async () => {
    const folder = makeFolder()
    const labels = join(folder, 'labels.csv')
    writeFileSync(labels, 'path,split,class\na/1.PNG,test,"rust, bad"\nc/9.jpg,test,ok\n')
    expect(await listSamples(join(folder, 'a'), labels)).toEqual([
      { path: join(folder, 'a/1.PNG'), label: 'rust, bad' },
    ])
    await expect(listSamples(join(folder, 'b'), labels)).rejects.toMatchObject({ code: 'cli/bad-labels' })
    writeFileSync(labels, 'name,kind\nx,y\n')
    await expect(listSamples(folder, labels)).rejects.toMatchObject({ code: 'cli/bad-labels' })
    await expect(listSamples(folder, join(folder, 'none.csv'))).rejects.toMatchObject({ code: 'cli/no-file' })
  })

  it('refuse a folder that is missing or has no picture', async () => {
    await expect(listPictures(join(temporaryFolder(), 'none'))).rejects.toMatchObject({ code: 'cli/no-folder' })
    await expect(listPictures(temporaryFolder())).rejects.toMatchObject({ code: 'cli/no-pictures' })
  })

  it('spread a sample evenly', () => {
    expect(spread([0, 1, 2, 3, 4, 5, 6, 7], 4)).toEqual([0, 2, 4, 6])
    expect(spread([1, 2], 4)).toEqual([1, 2])
  })

  it('read CSV with quotes and empty fields', () => {
    expect(parseCsv('a,b,c\r\n1,,"x ""y"", z"\r\n\r\n')).toEqual([{ a: '1', b: '', c: 'x "y", z' }])
    expect(parseCsv('')).toEqual([])
  })
})
