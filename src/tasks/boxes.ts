import { JikoError } from '../protocol/error.ts'
import type { ImageInput } from '../protocol/input.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { OutputOf } from '../protocol/output.ts'
import type { BoxesAnswer, FoundBox, Pixels } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'
import type { Candidate } from './candidate.ts'
import { islandsOf } from './islands.ts'
import { createPlacement } from './placement.ts'

type Output = OutputOf<'boxes'>
type Head<K extends Output['head']> = Extract<Output, { head: K }>

/** @throws JikoError `task/bad-output` */
export function valuesOf(outputs: Tensors, name: string, multiple: number): ArrayLike<number> {
  const tensor = outputs[name]
  if (tensor?.type === 'float32' && tensor.data.length % multiple === 0) return tensor.data
  throw new JikoError(
    'task/bad-output',
    `output "${name}" should be float32 in rows of ${multiple}, got ${tensor?.type ?? 'nothing'} [${tensor?.dims ?? ''}]`,
  )
}

/**
 * What was found in a picture, best first; places as parts of the picture.
 * @throws JikoError `task/bad-output`
 */
export function boxesOf(
  outputs: Tensors,
  output: Output,
  { labels, decision }: Pick<Manifest, 'labels' | 'decision'>,
  input: ImageInput,
  picture: Pick<Pixels, 'width' | 'height'>,
): BoxesAnswer {
  const candidates = candidatesOf(outputs, output, labels.length, input).filter(
    ({ label, score }) => score >= output.least && labels[label]?.none !== true,
  )
  const kept = suppress(candidates, output.overlap).slice(0, output.most)
  const place = createPlacement(picture, input)
  const boxes = kept.map(({ left, top, right, bottom, label, score }): FoundBox => {
    const at = place({ x: left, y: top, width: right - left, height: bottom - top })
    return { label: labels[label]?.id ?? '', score: Math.min(1, score), ...at }
  })
  return { kind: 'boxes', boxes, sure: boxes.every(({ score }) => score >= decision.threshold) }
}

function candidatesOf(outputs: Tensors, output: Output, labels: number, input: ImageInput): Candidate[] {
  switch (output.head) {
    case 'cells':
      return fromCells(outputs, output, labels, input)
    case 'levels':
      return fromLevels(outputs, output, labels, input)
    case 'corners':
      return fromCorners(outputs, output, labels, input)
    case 'map':
      return islandsOf(outputs[output.tensor], output)
  }
}

/** The best of the scores of a row. */
function bestOf(values: ArrayLike<number>, from: number, count: number): { label: number; score: number } {
  let label = 0
  for (let i = 1; i < count; i++) if ((values[from + i] as number) > (values[from + label] as number)) label = i
  return { label, score: values[from + label] as number }
}

/** Centre and size from a cell, as anchor-free heads put it. */
function cellBox(values: ArrayLike<number>, at: number, column: number, row: number, stride: number) {
  const x = (column + (values[at] as number)) * stride
  const y = (row + (values[at + 1] as number)) * stride
  const width = Math.exp(values[at + 2] as number) * stride
  const height = Math.exp(values[at + 3] as number) * stride
  return { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 }
}

const cellsOf = ({ width, height }: ImageInput, stride: number) => ({
  columns: Math.ceil(width / stride),
  rows: Math.ceil(height / stride),
})

function badCount(name: string, got: number, wanted: number): JikoError {
  return new JikoError('task/bad-output', `output "${name}" has ${got} rows; the input makes ${wanted} cells`)
}

function fromCells(
  outputs: Tensors,
  { tensor, strides }: Head<'cells'>,
  labels: number,
  input: ImageInput,
): Candidate[] {
  const row = 5 + labels
  const values = valuesOf(outputs, tensor, row)
  const grids = strides.map((stride) => ({ stride, ...cellsOf(input, stride) }))
  const cells = grids.reduce((sum, { columns, rows }) => sum + columns * rows, 0)
  if (values.length !== cells * row) throw badCount(tensor, values.length / row, cells)
  const found: Candidate[] = []
  let at = 0
  for (const { stride, columns, rows } of grids) {
    for (let cell = 0; cell < columns * rows; cell++, at += row) {
      const { label, score } = bestOf(values, at + 5, labels)
      const box = cellBox(values, at, cell % columns, Math.floor(cell / columns), stride)
      found.push({ ...box, label, score: score * (values[at + 4] as number) })
    }
  }
  return found
}

function fromLevels(
  outputs: Tensors,
  { levels, root }: Head<'levels'>,
  labels: number,
  input: ImageInput,
): Candidate[] {
  return levels.flatMap(({ stride, boxes, scores, objectness }) => {
    const places = valuesOf(outputs, boxes, 4)
    const classes = valuesOf(outputs, scores, labels)
    const objects = objectness === undefined ? undefined : valuesOf(outputs, objectness, 1)
    const { columns, rows } = cellsOf(input, stride)
    if (places.length !== 4 * columns * rows) throw badCount(boxes, places.length / 4, columns * rows)
    return Array.from({ length: columns * rows }, (_, cell): Candidate => {
      const { label, score } = bestOf(classes, cell * labels, labels)
      const product = score * (objects === undefined ? 1 : Math.min(1, Math.max(0, objects[cell] as number)))
      const box = cellBox(places, cell * 4, cell % columns, Math.floor(cell / columns), stride)
      return { ...box, label, score: root ? Math.sqrt(Math.max(0, product)) : product }
    })
  })
}

function fromCorners(
  outputs: Tensors,
  { boxes, scores, classes, order, unit }: Head<'corners'>,
  labels: number,
  { width, height }: ImageInput,
): Candidate[] {
  const places = valuesOf(outputs, boxes, 4)
  const columns = classes === undefined ? labels : 1
  const likely = valuesOf(outputs, scores, columns)
  const count = places.length / 4
  if (likely.length !== count * columns) throw badCount(scores, likely.length / columns, count)
  const numbers = classes === undefined ? undefined : outputs[classes]?.data
  const [scaleX, scaleY] = unit === 'fraction' ? [width, height] : [1, 1]
  const at = order === 'xyxy' ? [0, 1, 2, 3] : [1, 0, 3, 2]
  return Array.from({ length: count }, (_, i): Candidate => {
    const [left = 0, top = 0, right = 0, bottom = 0] = at.map((k) => places[i * 4 + k] as number)
    const best = numbers
      ? { label: Number(numbers[i]), score: likely[i] as number }
      : bestOf(likely, i * columns, columns)
    return { left: left * scaleX, top: top * scaleY, right: right * scaleX, bottom: bottom * scaleY, ...best }
  })
}

/** Intersection over union. */
function overlapOf(a: Candidate, b: Candidate): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left)
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
  if (width <= 0 || height <= 0) return 0
  const area = ({ left, top, right, bottom }: Candidate): number => (right - left) * (bottom - top)
  return (width * height) / (area(a) + area(b) - width * height)
}

/** Best first; of those that overlap by more than `most` with a better one of their label, none. */
export function suppress(candidates: readonly Candidate[], most: number | undefined): Candidate[] {
  const sorted = [...candidates].sort((a, b) => b.score - a.score)
  if (most === undefined) return sorted
  const kept: Candidate[] = []
  for (const one of sorted) {
    if (!kept.some((better) => better.label === one.label && overlapOf(better, one) > most)) kept.push(one)
  }
  return kept
}
