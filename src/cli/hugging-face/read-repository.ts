import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { JikoError } from '../../protocol/error.ts'
import { type HubConfig, parseHubConfig, parseHubModel, parseHubPreprocessor } from '../../protocol/hugging-face.ts'
import { readBytes } from '../files.ts'
import type { SourceFolder } from '../pack/source.ts'
import { type ModelOptions, sourceFromModel } from '../pack/source-from-model.ts'
import { chooseModel } from './choose-model.ts'
import { fetchFile } from './fetch-file.ts'
import { guessPreprocessing } from './guess-image.ts'
import { guessText, isTextTask, TOKENIZER, TOKENIZER_CONFIG } from './guess-text.ts'
import { checkPath, encodePath, type Repository } from './repository.ts'
import { createAsk, type HubDeps } from './request.ts'

export interface RepositoryOptions extends ModelOptions {
  /** Which ONNX file, when there are several. */
  file?: string
  /** Folder that keeps what was fetched. */
  cache: string
}

const JSON_LIMIT = 8_000_000
/** Tokenizers of a hundred languages have 17 MB. */
const TOKENIZER_LIMIT = 24_000_000
/** What a protobuf file can hold at most. */
const MODEL_LIMIT = 2 ** 31
/** By what the class in config.json ends with. */
const TASKS: Readonly<Record<string, string>> = {
  ForImageClassification: 'image-classification',
  ForSequenceClassification: 'text-classification',
  ForTokenClassification: 'token-classification',
}
/** What the hub itself calls it, where that is another word. */
const TAGS: Readonly<Record<string, string>> = {
  'sentence-similarity': 'text-embedding',
  'feature-extraction': 'text-embedding',
}

/** `JIKO_CACHE`, else the folder that the system keeps for such. */
export const cacheFolder = (): string =>
  process.env.JIKO_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'jiko')

/**
 * Fetches a model of a Hugging Face hub with what stands beside it; `guessed` says what was chosen and read there.
 * @throws JikoError `download/...`, `model/...`, `pack/unsupported-task`, `pack/bad-source`
 */
export async function readRepository(
  { id, revision }: Repository,
  { file, cache, ...options }: RepositoryOptions,
  deps: HubDeps,
  onProgress?: (done: number, total: number) => void,
): Promise<{ folder: SourceFolder; guessed: string[] }> {
  const where = `${deps.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`
  const listing = await limitedText(await createAsk(deps)(where), where)
  const { sha, siblings, pipeline_tag: tag, cardData } = parseHubModel(listing, where)
  const files = siblings.map(({ rfilename }) => checkPath(rfilename))
  // Hubs differ in what they call the same name.
  const hub = createHash('sha256').update(deps.endpoint).digest('hex').slice(0, 12)
  const root = join(cache, 'hugging-face', hub, ...id.split('/'), sha)
  const get = async (path: string, limit: number): Promise<string> => {
    const to = join(root, ...path.split('/'))
    await fetchFile(
      { url: `${deps.endpoint}/${id}/resolve/${sha}/${encodePath(path)}`, path: to, limit },
      deps,
      onProgress,
    )
    return to
  }
  const json = async <T>(path: string, parse: (text: string, where: string) => T): Promise<T | undefined> => {
    if (!files.includes(path)) return undefined
    return parse(new TextDecoder().decode(await readBytes(await get(path, JSON_LIMIT))), `${path} of ${id}`)
  }
  const config = await json('config.json', parseHubConfig)
  const task = options.task ?? guessTask(id, config, tag)
  const model = chooseModel(id, files, file)
  const text = isTextTask(task)
  if (text) for (const path of [TOKENIZER, TOKENIZER_CONFIG]) if (files.includes(path)) await get(path, TOKENIZER_LIMIT)
  const preprocessor = text ? undefined : await json('preprocessor_config.json', parseHubPreprocessor)
  const image = preprocessor && guessPreprocessing(preprocessor)
  const labels = options.labels === undefined ? labelsOf(config) : undefined
  for (const path of model.external) await get(path, MODEL_LIMIT)
  const path = await get(model.path, MODEL_LIMIT)
  const licence = [cardData?.license ?? []].flat()[0]
  const name =
    options.name ??
    (basename(id)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 64) ||
      'model')
  const made = await sourceFromModel(path, {
    ...options,
    name,
    task,
    ...(labels && { names: labels }),
    ...(isTextTask(task) && { reading: (graph) => guessText(graph, task, config, files) }),
    // What a person says counts more than what a file says.
    image: { layout: 'nchw', ...image?.image },
    ...(options.licence === undefined && licence && { licence }),
  })
  const { source } = made.folder
  return {
    folder: {
      ...made.folder,
      // Where the tokenizer is, which need not be where the model is.
      folder: root,
      source: {
        ...source,
        title: { en: basename(id) },
        description: { en: `Made from ${model.path} of ${id} at ${sha}` },
        attribution: id.split('/')[0] ?? id,
        sources: [`${deps.endpoint}/${id}/tree/${sha}`],
      },
    },
    guessed: [
      `${model.path} at ${sha.slice(0, 12)} (${model.why})`,
      `task ${task}`,
      ...(options.name ? [] : [`name ${name}`]),
      ...(labels
        ? [
            `${labels.length} labels from id2label (${labels.slice(0, 3).join(', ')}${labels.length > 3 ? ', ...' : ''})`,
          ]
        : []),
      ...(licence ? [`licence ${licence}`] : []),
      ...(text
        ? [`tokens by ${TOKENIZER}`]
        : [preprocessor ? 'preprocessing from preprocessor_config.json' : 'no preprocessor_config.json']),
      ...(image?.said ?? []),
      ...made.guessed,
    ],
  }
}

async function limitedText(response: Response, where: string): Promise<string> {
  const pieces: Uint8Array[] = []
  let length = 0
  if (response.body) {
    for await (const piece of response.body) {
      length += piece.length
      if (length > JSON_LIMIT)
        throw new JikoError('download/too-large', `${where} sends more than ${JSON_LIMIT} bytes.`)
      pieces.push(piece)
    }
  }
  return Buffer.concat(pieces).toString()
}

function guessTask(id: string, config: HubConfig | undefined, tag: string | null | undefined): string {
  const [architecture] = config?.architectures ?? []
  const known = Object.entries(TASKS).find(([suffix]) => architecture?.endsWith(suffix))?.[1]
  if (known) return known
  // A bare encoder (`BertModel`) gives vectors; what they are for the hub has to say.
  if (tag && tag in TAGS && (!architecture || architecture.endsWith('Model'))) return TAGS[tag] ?? tag
  if (!architecture && tag && Object.values(TASKS).includes(tag)) return tag
  const what = architecture
    ? `config.json names ${architecture}`
    : tag
      ? `the hub lists it for ${tag}`
      : 'nothing there says what it is for'
  throw new JikoError(
    'pack/unsupported-task',
    `${id} cannot be packed: ${what}, and packs of a repository can do ${[...Object.values(TASKS), 'text-embedding'].join(', ')} so far; if it does that, say --task.`,
  )
}

/** In the order of the outputs; undefined when the indexes have holes, for then nothing is known. */
function labelsOf(config: HubConfig | undefined): string[] | undefined {
  const { id2label } = config ?? {}
  if (!id2label) return undefined
  const count = Object.keys(id2label).length
  const labels = Array.from({ length: count }, (_, i) => id2label[i])
  return count > 0 && labels.every((label) => label !== undefined) ? labels : undefined
}
