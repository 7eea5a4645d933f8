import { JikoError } from '../../protocol/error.ts'

const USUAL = ['onnx/model.onnx', 'model.onnx']
/** Suffixes of the files that other tools shrank already. */
const SHRUNK = /_(quantized|int8|uint8|q4|q4f16|q8|bnb4|fp16|float16|int4|qint8\w*|quint8\w*)\.onnx$/i

export interface ChosenModel {
  readonly path: string
  /** Files that hold its weights. */
  readonly external: readonly string[]
  readonly why: string
}

/** Takes the float file of a repository: what it loses by quantising is then measured here. @throws JikoError `model/no-onnx`, `model/several` */
export function chooseModel(id: string, files: readonly string[], wanted?: string): ChosenModel {
  const models = files.filter((file) => file.endsWith('.onnx'))
  const chosen = (path: string, why: string): ChosenModel => ({
    path,
    external: files.filter((file) => file.startsWith(`${path}_data`) || file.startsWith(`${path}.data`)),
    why,
  })
  if (wanted !== undefined) {
    if (models.includes(wanted)) return chosen(wanted, 'asked for')
    throw new JikoError('model/no-onnx', `${id} has no "${wanted}"; its ONNX files: ${list(models)}.`)
  }
  if (models.length === 0) {
    const weights = files.filter((file) => /\.(safetensors|bin|pt|pth|h5|msgpack|tflite)$/.test(file))
    throw new JikoError(
      'model/no-onnx',
      `${id} has no .onnx file${weights.length > 0 ? ` (it holds ${list(weights)})` : ''}; export it with "optimum-cli export onnx" and give the file.`,
    )
  }
  const usual = USUAL.find((path) => models.includes(path))
  const others = models.filter((path) => path !== usual)
  if (usual) {
    return chosen(usual, others.length > 0 ? `the float one, not ${list(others)}` : 'the only one')
  }
  const float = models.filter((path) => !SHRUNK.test(path))
  const [only, ...more] = float.length > 0 ? float : models
  if (only && more.length === 0) {
    if (float.length === 0) return chosen(only, 'the only one, shrunk by somebody else')
    return chosen(only, models.length > 1 ? `the only float one of ${models.length}` : 'the only one')
  }
  throw new JikoError('model/several', `${id} has ${models.length} ONNX files; say which with --file: ${list(models)}.`)
}

const list = (names: readonly string[]): string =>
  names.length === 0
    ? 'none'
    : `${names.slice(0, 6).join(', ')}${names.length > 6 ? ` and ${names.length - 6} more` : ''}`
