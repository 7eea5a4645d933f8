import { join } from 'node:path'
import { Command } from 'commander'
import { utf8 } from '../../lib/bytes.ts'
import { JikoError } from '../../protocol/error.ts'
import { writeAtomic } from '../files.ts'
import { formFromSheets } from '../xlsform/read-form.ts'
import { readSheets } from '../xlsform/sheets.ts'

export function formCommand(): Command {
  return new Command('form')
    .description('read an XLSForm and write the form.json of a pack: questions that follow an answer')
    .argument('<file>', 'an .xlsx workbook, or a folder with survey.csv, choices.csv and settings.csv')
    .option('--write <folder>', "the model's folder, where pack.json is; without it the form is printed")
    .action(async (path: string, { write }: { write?: string }) => {
      const { form, problems, notes } = formFromSheets(await readSheets(path))
      for (const line of [...problems, ...notes.map((note) => `note: ${note}`)]) console.error(line)
      if (!form) {
        const count = problems.length === 1 ? 'one thing is' : `${problems.length} things are`
        throw new JikoError('pack/bad-form', `${count} to be mended in ${path}; nothing was written`)
      }
      const text = `${JSON.stringify(form, null, 2)}\n`
      if (write === undefined) return console.log(text.trimEnd())
      const file = join(write, 'form.json')
      await writeAtomic(file, utf8(text))
      console.log(`${file}: ${form.questions.length} questions`)
    })
}
