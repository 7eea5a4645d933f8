import { Command } from 'commander'
import { localised } from '../../protocol/primitives.ts'
import { createImageDecoder } from '../decode-image.ts'
import { createEngines } from '../engines.ts'
import { readBytes } from '../files.ts'
import { openPack } from '../open-pack.ts'
import { percent } from '../text.ts'

interface RunOptions {
  json?: boolean
  lang: string
  variant?: string
  engine?: string
}

export function runCommand(): Command {
  return new Command('run')
    .description('answer a photo in the terminal, with the same code as the phone')
    .argument('<pack>', 'name of a built pack, or its folder')
    .argument('<photos...>', 'JPEG, PNG or WebP')
    .option('--json', 'one line of JSON a photo')
    .option('--lang <tag>', 'language of labels and advice', 'en')
    .option('--variant <name>', 'which precision')
    .option('--engine <name>', 'only this engine: nano or onnx')
    .action(async (name: string, photos: string[], { json, lang, variant, engine }: RunOptions) => {
      const decode = createImageDecoder()
      const runnable = await openPack(name, {
        engines: createEngines(),
        ...(variant && { variant }),
        ...(engine && { engine }),
      })
      const { manifest, digest } = runnable.pack
      try {
        for (const photo of photos) {
          const { answer, ms } = await runnable.run(await decode(await readBytes(photo)))
          if (json) {
            const { variant: used, backend } = runnable.opened
            console.log(JSON.stringify({ photo, pack: manifest.name, digest, variant: used, backend, ms, ...answer }))
            continue
          }
          const label = manifest.labels.find(({ id }) => id === answer.label)
          const what = answer.sure && label ? localised(label.name, lang) : `not sure (${answer.label}?)`
          console.log(`${photos.length > 1 ? `${photo}: ` : ''}${what}, ${percent(answer.score)}`)
          if (answer.sure && label?.advice && photos.length === 1) console.log(localised(label.advice, lang))
        }
      } finally {
        await runnable.dispose()
      }
    })
}
