import type { ImageInput } from '../../protocol/input.ts'
import type { Decision } from '../../protocol/manifest.ts'
import type { OutputOf } from '../../protocol/output.ts'
import type { FoundLine, Pixels, RunModel, TextAnswer } from '../../protocol/task.ts'
import type { Tensors } from '../../protocol/tensor.ts'
import { imageTensor, MIN_LINE } from '../image-tensor.ts'
import { lineOf } from '../read-line.ts'
import { cutLine } from './cut-line.ts'
import { findLines } from './find-lines.ts'
import { alongPage, directionOf, inRows, upsideDown } from './reading-order.ts'
import { cornersOf, type Point, type TiltedBox } from './tilted-box.ts'

export interface PageReader {
  output: OutputOf<'page'>
  /** How the graph that finds lines is fed. */
  input: ImageInput
  decision: Decision
}

interface ReadLine {
  box: TiltedBox
  text: string
  /** Of the least certain character. */
  score: number
  /** Of each character. */
  scores: readonly number[]
}

/** So many of the longest lines say whether a page was photographed upside down. */
const TELLING = 3
/** Read with such a mean, nobody asks whether it reads better the other way round. */
const PLAIN = 0.9

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

const meanOf = (lines: readonly ReadLine[]): number => mean(lines.flatMap(({ scores }) => scores))

/**
 * Reads whatever text stands in a picture: finds its lines, straightens each and reads it. A page that lies on its side
 * or upside down is read as it was written: its longest lines are tried both ways.
 * @param fed the picture as the first graph is fed it.
 * @throws JikoError `task/bad-output`; AbortError
 */
export async function readPage(
  picture: Pixels,
  fed: Tensors,
  { output, input, decision }: PageReader,
  call: RunModel,
  signal?: AbortSignal,
): Promise<TextAnswer> {
  const { line, tensor } = output
  const found = findLines((await call(fed))[tensor], output, input, picture, fed[input.tensor] as Tensors[string])

  /** Nothing for what is too small to be read. */
  async function read(box: TiltedBox): Promise<ReadLine | undefined> {
    signal?.throwIfAborted()
    const cut = cutLine(picture, box)
    if (Math.min(cut.width, cut.height) < MIN_LINE) return undefined
    const outputs = await call({ [line.input.tensor]: imageTensor(cut, line.input) }, 'reader')
    const { text, score, characters = [] } = lineOf(outputs, line.output, decision)
    return { box, text: text.trim(), score, scores: characters.map((one) => one.score) }
  }
  async function readAll(boxes: readonly TiltedBox[]): Promise<ReadLine[]> {
    const lines: ReadLine[] = []
    for (const box of boxes) {
      const one = await read(box)
      if (one) lines.push(one)
    }
    return lines
  }

  const across = directionOf(found)
  const boxes = found.map((box) => alongPage(box, across)).sort((a, b) => b.length - a.length)
  const telling = await readAll(boxes.slice(0, TELLING))
  const turned = meanOf(telling) < PLAIN ? await readAll(boxes.slice(0, TELLING).map(upsideDown)) : []
  const isTurned = meanOf(turned) > meanOf(telling)
  const rest = boxes.slice(TELLING).map((box) => (isTurned ? upsideDown(box) : box))
  const lines = [...(isTurned ? turned : telling), ...(await readAll(rest))].filter(
    ({ text, scores }) => text !== '' && mean(scores) >= line.least,
  )
  const page: Point = isTurned ? [-across[0], -across[1]] : across
  return answerOf(inRows(lines, page), picture, decision)
}

function answerOf(rows: readonly ReadLine[][], { width, height }: Pixels, { threshold }: Decision): TextAnswer {
  const lines = rows.flat()
  const score = meanOf(lines)
  return {
    kind: 'text',
    text: rows.map((row) => row.map(({ text }) => text).join(' ')).join('\n'),
    score,
    sure: lines.length > 0 && score >= threshold,
    lines: lines.map(
      ({ text, score: least, box }): FoundLine => ({
        text,
        score: least,
        corners: cornersOf(box).map(([x, y]) => [x / width, y / height]),
      }),
    ),
  }
}
