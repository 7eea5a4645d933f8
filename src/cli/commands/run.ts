import { Command } from 'commander'
import { recordedAnswer } from '../../protocol/answer.ts'
import { localised } from '../../protocol/primitives.ts'
import { createEngines } from '../engines.ts'
import { openPack } from '../open-pack.ts'
import { createReadInput } from '../read-input.ts'
import { sentence } from '../text.ts'

interface RunOptions {
  json?: boolean
  lang: string
  variant?: string
  engine?: string
}

export function runCommand(): Command {
  return new Command('run')
    .description('answer in the terminal, with the same code as the phone')
    .argument('<pack>', 'name of a built pack, or its folder')
    .argument('<files...>', 'photos (JPEG, PNG, WebP), sounds (WAV), texts, or whatever the pack takes')
    .option('--json', 'one line of JSON a file')
    .option('--lang <tag>', 'language of labels and advice', 'en')
    .option('--variant <name>', 'which precision')
    .option('--engine <name>', 'only this engine: nano or onnx')
    .action(async (name: string, files: string[], { json, lang, variant, engine }: RunOptions) => {
      const runnable = await openPack(name, {
        engines: createEngines(),
        ...(variant && { variant }),
        ...(engine && { engine }),
      })
      const { manifest, digest } = runnable.pack
      const read = createReadInput(manifest.input.kind)
      try {
        for (const file of files) {
          const { answer, ms } = await runnable.run(await read(file))
          if (json) {
            const { variant: used, backend } = runnable.opened
            console.log(JSON.stringify({ file, pack: manifest.name, digest, variant: used, backend, ms, ...answer }))
            continue
          }
          const recorded = recordedAnswer(answer)
          console.log(`${files.length > 1 ? `${file}: ` : ''}${sentence(recorded, manifest.labels, lang)}`)
          if (answer.kind !== 'classes' || !answer.sure || files.length > 1) continue
          const advice = manifest.labels.find(({ id }) => id === answer.label)?.advice
          if (advice) console.log(localised(advice, lang))
        }
      } finally {
        await runnable.dispose()
      }
    })
}
