import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'

/** `npm run bench -- NAME [options]`: runs `test/bench/NAME.ts`, which exports `bench(args)`. */
const [name, ...args] = process.argv.slice(2)
const known = (await readdir(import.meta.dirname))
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -3))

if (!name || !/^[a-z-]+$/.test(name) || !existsSync(`${import.meta.dirname}/${name}.ts`) || name === 'main') {
  console.error(`usage: npm run bench -- NAME [options]; NAME is one of: ${known.join(', ') || '(none yet)'}`)
  process.exitCode = 2
} else {
  const { bench } = (await import(`./${name}.ts`)) as { bench(args: readonly string[]): Promise<void> }
  await bench(args)
}
