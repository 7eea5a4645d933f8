import type { Kit, Lesson, LessonClass } from '../../src/client/kit.ts'
import { JikoError } from '../../src/protocol/error.ts'

/** A lesson that was learnt, and one more example since. */
export const LESSON: Lesson = {
  id: 'abcdefghijklmnop',
  title: 'Pests of my field',
  base: 'coffee-leaf',
  classes: [
    { id: 'aphids', name: 'Aphids', examples: ['a', 'b', 'c', 'd', 'e'] },
    { id: 'beetles', name: 'Beetles', examples: ['f', 'g', 'h', 'i'] },
    { id: 'none', name: 'None of these', none: true, examples: ['j'] },
  ],
  taught: {
    pack: 'taught-abcdefghijklmnop',
    version: '1.0.0',
    method: 'prototypes',
    estimate: {
      right: 8,
      of: 9,
      classes: [
        { label: 'aphids', right: 5, of: 5 },
        { label: 'beetles', right: 3, of: 4 },
      ],
    },
    stale: true,
  },
}

/** Lessons in memory: whatever is taught is learnt, but for one example. `faceless`: nobody can look for faces in examples. */
export function createFakeTeach(begun: readonly Lesson[] = [], { faceless = false } = {}): Kit['teach'] {
  const lessons = new Map(begun.map((lesson) => [lesson.id, lesson]))
  const examples = new Map<string, Blob>()

  function get(id: string): Lesson {
    const lesson = lessons.get(id)
    if (!lesson) throw new JikoError('teach/unknown', 'there is no such lesson')
    return lesson
  }
  function put(lesson: Lesson): Lesson {
    lessons.set(lesson.id, lesson)
    return lesson
  }
  const change = (id: string, classes: (before: readonly LessonClass[]) => LessonClass[]): Lesson => {
    const lesson = get(id)
    const stale = lesson.taught && { taught: { ...lesson.taught, stale: true } }
    return put({ ...lesson, classes: classes(lesson.classes), ...stale })
  }

  return {
    list: async () => [...lessons.values()],
    begin: async (base, title) => put({ id: 'abcdefghijklmnop'.slice(lessons.size), title, base, classes: [] }),
    addClass: async (id, name, { none = false } = {}) =>
      change(id, (before) => [
        ...before,
        { id: `class-${before.length + 1}`, name, ...(none && { none }), examples: [] },
      ]),
    removeClass: async (id, which) => change(id, (before) => before.filter((one) => one.id !== which)),
    async addExample(id, which, input) {
      if (faceless) throw new JikoError('teach/faces', 'the fake was told to see no faces')
      const name = `${id}.${examples.size}`
      if (input instanceof Blob) examples.set(name, input)
      return change(id, (before) =>
        before.map((one) => (one.id === which ? { ...one, examples: [...one.examples, name] } : one)),
      )
    },
    removeExample: async (id, name) =>
      change(id, (before) => before.map((one) => ({ ...one, examples: one.examples.filter((each) => each !== name) }))),
    example: async (name) => examples.get(name),
    async train(id) {
      const { classes } = get(id)
      if (classes.length < 2) throw new JikoError('teach/one-class', 'the fake wants two classes')
      const counted = classes.map((one, k) => ({
        label: one.id,
        right: one.examples.length - Number(k === 0),
        of: one.examples.length,
      }))
      const sum = (key: 'right' | 'of'): number => counted.reduce((all, one) => all + one[key], 0)
      const estimate = { right: sum('right'), of: sum('of'), classes: counted }
      return put({
        ...get(id),
        taught: { pack: `taught-${id}`, version: '1.0.0', method: 'prototypes', estimate, stale: false },
      })
    },
    async remove(id) {
      lessons.delete(id)
    },
  }
}
