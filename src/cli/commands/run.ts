import { Command } from 'commander'
import { recordedAnswer } from '../../protocol/answer.ts'
import { localised } from '../../protocol/primitives.ts'
import { createImageDecoder } from '../decode-image.ts'
import { createEngines } from '../engines.ts'
import { readBytes } from '../files.ts'
import { openPack } from '../open-pack.ts'
import { sentence } from '../text.ts'

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
          const { answer, ms } = await runnable.run({ kind: 'image', pixels: await decode(await readBytes(photo)) })
          if (json) {
            const { variant: used, backend } = runnable.opened
            console.log(JSON.stringify({ photo, pack: manifest.name, digest, variant: used, backend, ms, ...answer }))
            continue
          }
          const recorded = recordedAnswer(answer)
          console.log(`${photos.length > 1 ? `${photo}: ` : ''}${sentence(recorded, manifest.labels, lang)}`)
          if (answer.kind !== 'classes' || !answer.sure || photos.length > 1) continue
          const advice = manifest.labels.find(({ id }) => id === answer.label)?.advice
          if (advice) console.log(localised(advice, lang))
        }
      } finally {
        await runnable.dispose()
      }
    })
}
