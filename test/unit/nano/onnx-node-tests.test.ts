import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { afterAll, describe, expect, test } from 'vitest'
import { type Constant, toConstant } from '../../../src/onnx/constant.ts'
import { cloneGraph, createGraph, type Graph } from '../../../src/onnx/graph.ts'
import { lower } from '../../../src/onnx/lower/lower.ts'
import { TensorProtoSchema } from '../../../src/onnx/onnx_pb.ts'
import { readModel } from '../../../src/onnx/read.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import type { Tensors } from '../../../src/protocol/tensor.ts'
import { runNano } from '../../helpers/compare-engines.ts'

/** ONNX's own tests of its operators, written by its Python package where there is one; NumPy dropped names that it uses. */
const GENERATE = `
import sys, warnings
warnings.filterwarnings('ignore')
import numpy
for name, kind in dict(object=object, bool=bool, int=int, float=float, complex=complex, str=str).items():
    if name not in numpy.__dict__: setattr(numpy, name, kind)
from types import SimpleNamespace
from onnx.backend.test.cmd_tools import generate_data
generate_data(SimpleNamespace(output=sys.argv[1], op_type=None))
`
const PYTHON = ['/usr/bin/python3', 'python3'].find(
  (python) => spawnSync(python, ['-c', 'import onnx.backend.test'], { stdio: 'ignore' }).status === 0,
)

/** Operators of which at least one test must be lowered, and be right. */
const OPERATORS =
  'abs add and argmax argmin averagepool batchnorm ceil celu clip concat conv convtranspose depthtospace div elu equal erf exp expand flatten floor gather gemm globalaveragepool globalmaxpool greater gru hardsigmoid hardswish identity instancenorm leakyrelu less log logsoftmax lstm matmul max maxpool mean min mul neg not or pow prelu reciprocal reduce relu reshape resize round selu sigmoid sign slice softmax softplus softsign spacetodepth split sqrt squeeze sub sum tanh thresholdedrelu top transpose unsqueeze where xor'.split(
    ' ',
  )
/** By the beginning of a test's name where that is not the operator's. */
const ALIASES: Record<string, string> = { basic: 'conv' }

/** Undefined for sequences, optional values and strings, which are no tensors of numbers. */
function constantAt(path: string): Constant | undefined {
  try {
    return toConstant(fromBinary(TensorProtoSchema, new Uint8Array(readFileSync(path))))
  } catch {
    return undefined
  }
}

/** What a model would have as constants, its tests give as inputs: all but the first become constants. */
function withConstants(graph: Graph, values: ReadonlyMap<string, Constant>): Graph {
  const [first, ...rest] = graph.inputs
  const made = cloneGraph(graph)
  for (const { name } of rest) {
    const value = values.get(name)
    if (value) made.setConstant(name, value)
  }
  if (made.model.graph)
    made.model.graph.input = made.model.graph.input.filter(({ name }) => name === first?.name || !values.has(name))
  return createGraph(made.model)
}

const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number)

function difference(wanted: number[], got: number[]): number {
  const largest = wanted.reduce((most, value) => Math.max(most, Number.isFinite(value) ? Math.abs(value) : 0), 1e-6)
  return wanted.reduce((most, value, i) => {
    const off = Object.is(value, got[i]) || value === got[i] ? 0 : Math.abs(value - (got[i] ?? Number.NaN)) / largest
    return off <= most ? most : off
  }, 0)
}

async function outcome(folder: string): Promise<'refused' | 'right' | string> {
  const files = readdirSync(join(folder, 'test_data_set_0'))
  const read = (prefix: string) =>
    files
      .filter((file) => file.startsWith(prefix))
      .sort((a, b) => Number(a.match(/\d+/)?.[0]) - Number(b.match(/\d+/)?.[0]))
      .map((file) => constantAt(join(folder, 'test_data_set_0', file)))
  const [values, wanted] = [read('input'), read('output')]
  if ([...values, ...wanted].some((value) => value === undefined)) return 'refused'
  const graph = createGraph(readModel(new Uint8Array(readFileSync(join(folder, 'model.onnx')))))
  const given = new Map<string, Constant>()
  for (const [i, value] of values.entries()) if (value) given.set(graph.inputs[i]?.name ?? '', value)
  for (const attempt of [graph, withConstants(graph, given)]) {
    try {
      const { plan } = lower(attempt)
      const inputs = Object.fromEntries(attempt.inputs.map(({ name }) => [name, given.get(name)])) as unknown as Tensors
      const got = await runNano(plan, inputs)
      const off = wanted.map((value, i) => {
        const output = got[attempt.outputs[i]?.name ?? '']
        const [expected, mine] = [numbers(value?.data ?? []), numbers(output?.data ?? [])]
        return expected.length === mine.length ? difference(expected, mine) : Number.NaN
      })
      return off.every((one) => one < 1e-4) ? 'right' : `off by ${off.join(', ')}`
    } catch (error) {
      if (error instanceof JikoError && error.code === 'model/unsupported-by-nano') continue
      return String(error)
    }
  }
  return 'refused'
}

/** Here onnxruntime differs, whose answers are the ones to have: a length is a whole number. */
const LEFT_OUT = ['test_resize_downsample_scales_linear_align_corners']

const folder = mkdtempSync(join(tmpdir(), 'jiko-onnx-tests-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!PYTHON)("ONNX's own tests of operators", () => {
  test('are right where nano takes them, and nano takes every operator that it says it has', {
    timeout: 240_000,
  }, async () => {
    const { status, stderr } = spawnSync(PYTHON ?? '', ['-c', GENERATE, folder], { encoding: 'utf8' })
    expect(status, stderr).toBe(0)
    const wrong: string[] = []
    const right = new Set<string>()
    let count = 0
    for (const name of readdirSync(join(folder, 'node')).filter((one) => !LEFT_OUT.includes(one))) {
      const operator = name.split('_')[1] ?? ''
      const result = await outcome(join(folder, 'node', name))
      if (result === 'right') {
        right.add(ALIASES[operator] ?? operator)
        count++
      } else if (result !== 'refused') wrong.push(`${name}: ${result}`)
    }
    expect(wrong).toEqual([])
    expect(OPERATORS.filter((operator) => !right.has(operator))).toEqual([])
    expect(count).toBeGreaterThan(300)
  })
})
