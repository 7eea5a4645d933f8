import type { Graph, GraphValue } from '../../onnx/graph.ts'
import { JikoError } from '../../protocol/error.ts'
import type { HubConfig } from '../../protocol/hugging-face.ts'
import type { TextInput } from '../../protocol/input.ts'
import type { Output } from '../../protocol/output.ts'

/** What text models are for, as the hub and packs call it. */
export const TEXT_TASKS = ['text-classification', 'token-classification', 'text-embedding'] as const
export type TextTask = (typeof TEXT_TASKS)[number]

export const isTextTask = (task: string): task is TextTask => TEXT_TASKS.some((known) => known === task)

export const TOKENIZER = 'tokenizer.json'
export const TOKENIZER_CONFIG = 'tokenizer_config.json'

export interface GuessedText {
  readonly input: TextInput
  readonly output: Output
  readonly said: readonly string[]
}

/** Tokens of one call: headlines and messages are shorter, and time grows with its square. */
const LENGTH = 128

/**
 * How a transformer is fed and read, by the names that its exporters give.
 * @throws JikoError `model/not-a-text-model`, `model/bad-repository`
 */
export function guessText(
  graph: Graph,
  task: TextTask,
  config: HubConfig | undefined,
  files: readonly string[],
): GuessedText {
  if (!files.includes(TOKENIZER)) {
    throw new JikoError(
      'model/not-a-text-model',
      `There is no ${TOKENIZER} beside the model, which says how text becomes tokens; save one with "tokenizer.save_pretrained".`,
    )
  }
  const inputs = new Map(graph.inputs.map((value) => [value.name, value]))
  const ids = inputs.get('input_ids')
  if (!ids || (ids.type !== 'int64' && ids.type !== 'int32'))
    throw new JikoError(
      'model/not-a-text-model',
      `The model has no whole-number input "input_ids"; it has ${listed(graph.inputs)}.`,
    )
  const optional = { mask: 'attention_mask', types: 'token_type_ids', positions: 'position_ids' } as const
  const strange = graph.inputs.find(
    ({ name }) => name !== 'input_ids' && !Object.values<string>(optional).includes(name),
  )
  if (strange)
    throw new JikoError('model/not-a-text-model', `The model also wants "${strange.name}", which text does not give.`)
  const { vocab_size: vocabulary, max_position_embeddings: most, pad_token_id: pad } = config ?? {}
  if (!vocabulary)
    throw new JikoError(
      'model/bad-repository',
      'config.json does not say vocab_size, the count of tokens that the model knows.',
    )
  const length = Math.min(LENGTH, most ?? LENGTH)
  const named = Object.entries(optional).filter(([, name]) => inputs.has(name))
  return {
    input: {
      kind: 'text',
      features: {
        kind: 'tokens',
        tokenizer: TOKENIZER,
        ...(files.includes(TOKENIZER_CONFIG) && { config: TOKENIZER_CONFIG }),
        type: ids.type,
        ids: ids.name,
        ...Object.fromEntries(named),
        vocabulary,
        length,
        pad: pad ?? 0,
      },
    },
    output: outputOf(graph, task),
    said: [`at most ${length} tokens of ${vocabulary}`, `padded with ${pad ?? 0}`],
  }
}

const listed = (values: readonly GraphValue[]): string => values.map(({ name }) => `"${name}"`).join(', ')

function outputOf({ outputs }: Graph, task: TextTask): Output {
  const wish = task === 'text-embedding' ? ['sentence_embedding', 'last_hidden_state'] : ['logits']
  const tensor = wish.find((name) => outputs.some((output) => output.name === name)) ?? outputs[0]?.name ?? ''
  if (task === 'token-classification') return { kind: 'tokens', tensor }
  if (task === 'text-classification') return { kind: 'classes', tensor, activation: 'logits' }
  return { kind: 'embedding', tensor, unit: true, ...(tensor !== 'sentence_embedding' && { pool: 'mean' }) }
}
