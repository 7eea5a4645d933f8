import type { App } from '../context.ts'

/** One is a question of its own, several are a batch; where a batch is on screen, one more belongs to it. */
export function giveFiles(
  { attempts, batches, navigation }: Pick<App, 'attempts' | 'batches' | 'navigation'>,
  pack: string,
  files: readonly Blob[],
): void {
  const [file] = files
  if (!file) return
  if (files.length === 1 && navigation.route.value.screen !== 'batch') void attempts.begin(pack, file)
  else
    void batches().then((made) => {
      navigation.go({ screen: 'batch' })
      return made.add(pack, files)
    })
}
